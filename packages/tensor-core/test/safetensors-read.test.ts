/** Reading safetensors: exact values from every source, whatever the alignment (cases.md, tensor-core). */
import './helpers/cpu.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { fileSource } from '../src/safetensors/file-source.node.ts';
import { openSafetensors, readSafetensors } from '../src/safetensors/open.ts';
import { urlSource } from '../src/safetensors/source.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { flatten } from '../src/tree/params.ts';
import { atOddOffset, entry, padTo, rawFile } from './helpers/safetensors.ts';

const golden = (name: string): string => fileURLToPath(new URL(`golden/safetensors/${name}`, import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const float = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

describe.each([1, 2, 5])('a header of length 8k + %i', (rest) => {
  const header = {
    f32: entry('F32', [2], 0, 8),
    f16: entry('F16', [3], 8, 14),
    bf16: entry('BF16', [1], 14, 16),
    i64: entry('I64', [2], 16, 32),
  };
  const data = new Uint8Array(32);
  data.set(float(1.5, -2));
  new Uint16Array(data.buffer, 8, 4).set([0x2e66, 0x7bff, 0x0001, 0xc049]);
  new BigInt64Array(data.buffer, 16, 2).set([-7n, 2147483647n]);
  const bytes = rawFile({ header: padTo(header, rest), data });

  test.each(['path', 'bytes at an odd offset', 'blob'])('gives exact values from %s', async (from) => {
    const path = join(folder, `rest${rest}.safetensors`);
    await writeFile(path, bytes);
    const source = from === 'path' ? path : from === 'blob' ? new Blob([bytes.slice()]) : atOddOffset(bytes);
    const file = await openSafetensors(source);
    expect([...(await file.values('f32'))]).toEqual([1.5, -2]);
    expect([...(await file.values('f16'))]).toEqual([0.0999755859375, 65504, 2 ** -24]);
    expect([...(await file.values('bf16'))]).toEqual([-3.140625]);
    expect([...(await file.values('i64'))]).toEqual([-7, 2147483647]);
    expect([...((await file.raw('i64')) as BigInt64Array)]).toEqual([-7n, 2147483647n]);
    expect([...(await file.values('f16', 1, 3))]).toEqual([65504, 2 ** -24]);
    await file.close();
    await file.close();
    await expect(file.values('f32')).rejects.toThrow('after close()');
  });
});

test('the reference writer’s file of all dtypes is read', async () => {
  const file = await openSafetensors(golden('mixed.safetensors'));
  const values = Object.fromEntries(
    await Promise.all(file.names.map(async (n) => [n, [...((await file.raw(n)) as Iterable<number>)]] as const)),
  );
  expect(file.metadata).toEqual({ format: 'pt' });
  expect(values).toEqual({
    'z.f32': [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
    'a.f32': [1.5, -2],
    'scalar.f32': [3.25],
    'empty.f32': [],
    f64: [0.1, -1e300],
    f16: [0x2e66, 0x7bff, 0x0001],
    bf16: [0x3dcd, 0x4049, 0x8000],
    i8: [-128, 127],
    u8: [0, 255, 7],
    i16: [-32768, 32767],
    u16: [0, 65535],
    i32: [-2147483648, 2147483647],
    u32: [0, 4294967295],
    i64: [-1n, 9007199254740993n],
    bool: [1, 0, 1],
    'unicode.é😀"\\': [1],
  });
  expect([...(await file.values('f64'))]).toEqual([Math.fround(0.1), Number.NEGATIVE_INFINITY]);
  await expect(file.values('u32')).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining('element 1 of a U32 tensor does not fit int32; got "4294967295"'),
  });
  const tensors = await Promise.all(['scalar.f32', 'empty.f32', 'i8', 'bool'].map((n) => file.tensor(n)));
  expect(tensors.map((t) => [t.shape, t.dtype])).toEqual([
    [[], 'float32'],
    [[0, 3], 'float32'],
    [[2], 'int32'],
    [[3], 'bool'],
  ]);
  for (const t of tensors) t.dispose();
  expect(() => file.entry('nothing')).toThrow('has no tensor "nothing"');
  await file.close();
});

test.each(['sharded', 'sharded/model.safetensors.index.json'])(
  'shards behind an index read as one: %s',
  async (name) => {
    const before = memory().numTensors;
    const params = await readSafetensors(golden(name));
    expect(flatten(params).map(([path, t]) => [path, t.shape, t.dtype])).toEqual([
      ['embed.weight', [4, 2], 'float32'],
      ['head.bias', [4], 'float32'],
      ['head.weight', [4, 2], 'float32'],
    ]);
    expect(Array.from((params.head as { bias: Tensor }).bias.dataSync())).toEqual([1, 2, 3, 4]);
    disposeTree(params);
    expect(memory().numTensors).toBe(before);
  },
);

test('an index that points outside its folder, to a missing shard or to the wrong one is refused', async () => {
  const write = (map: object): Promise<void> =>
    writeFile(join(folder, 'x.index.json'), JSON.stringify({ weight_map: map }));
  await writeFile(
    join(folder, 'a.safetensors'),
    rawFile({ header: { a: entry('U8', [1], 0, 1), b: entry('U8', [0], 1, 1) }, data: [7] }),
  );
  const open = openSafetensors.bind(null, join(folder, 'x.index.json'));
  for (const file of ['../a.safetensors', '/etc/passwd', 'C:\\x', '', '..']) {
    await write({ a: file });
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('no file in the same folder'),
    });
  }
  await write({ a: 'gone.safetensors' });
  await expect(open()).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining('no such file'),
  });
  await write({ a: 'a.safetensors', c: 'a.safetensors' });
  await expect(open()).rejects.toThrow('tensor "c" is not in the shard it is mapped to; got "a.safetensors"');
  await writeFile(join(folder, 'x.index.json'), '{"weight_map":{"a":"a.safetensors","a":"a.safetensors"}}');
  await expect(open()).rejects.toThrow('the key "a" stands twice');
  // a tensor that the index does not list is ignored, and said so
  await write({ a: 'a.safetensors' });
  const file = await open();
  expect(file.names).toEqual(['a']);
  expect(file.warnings).toEqual([
    expect.stringContaining('a.safetensors holds 1 tensors that the index does not list there: b'),
  ]);
  await file.close();
});

describe('over HTTP', () => {
  let server: Server;
  let base: string;
  let ranges = true;
  let requested: string[] = [];
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const bytes = await readFile(golden((request.url ?? '').slice(1)));
      const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      requested.push(request.headers.range ?? 'all');
      if (!match || !ranges) return void response.end(bytes);
      const [start, end] = [Number(match[1]), Number(match[2]) + 1];
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` });
      response.end(bytes.subarray(start, end));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test('only the header and the tensors asked for are fetched', async () => {
    requested = [];
    const file = await openSafetensors(`${base}/mixed.safetensors`);
    expect([...(await file.values('a.f32'))]).toEqual([1.5, -2]);
    const { start } = file.entry('a.f32');
    expect(requested).toEqual(['bytes=0-7', 'bytes=0-7', `bytes=8-${8 + 991}`, `bytes=${start}-${start + 7}`]);
    expect([...(await file.values('empty.f32'))]).toEqual([]);
  });

  test('shards and a server without ranges work too', async () => {
    const sharded = await openSafetensors(new URL(`${base}/sharded/model.safetensors.index.json`));
    expect([...(await sharded.values('head.bias'))]).toEqual([1, 2, 3, 4]);
    ranges = false;
    const whole = await openSafetensors(`${base}/mixed.safetensors`);
    expect([...(await whole.values('a.f32'))]).toEqual([1.5, -2]);
    ranges = true;
  });

  test('an answer other than asked for is a typed error', async () => {
    const answer = (status: number, body: string, headers: Record<string, string> = {}): typeof fetch =>
      (async () => new Response(body, { status, headers })) as unknown as typeof fetch;
    await expect(urlSource('http://x/y', answer(404, ''))).rejects.toThrow('http://x/y: the server refused; got 404');
    await expect(urlSource('http://x/y', answer(206, '12345678'))).rejects.toThrow(
      'does not tell how long the file is',
    );
    const source = await urlSource('http://x/y', answer(206, '12345678', { 'content-range': 'bytes 0-7/100' }));
    await expect(source.read(8, 20)).rejects.toThrow('asked for bytes 8 to 19; got "8 bytes, status 206"');
  });
});

test('tensors are read in pieces, into one memory that no tensor keeps', async () => {
  const count = 3 << 20; // 6 MB of BF16, 12 MB as float32
  const data = new Uint8Array(4 * count);
  const bits = new Uint16Array(data.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = 0x3f80 + (i % 101);
  const header = { a: entry('BF16', [count], 0, 2 * count), b: entry('BF16', [count], 2 * count, 4 * count) };
  const path = join(folder, 'large.safetensors');
  await writeFile(path, rawFile({ header: JSON.stringify(header), data }));
  const whole = await fileSource(path);
  const given = new Set<ArrayBufferLike>();
  let longest = 0;
  const file = await openSafetensors({
    ...whole,
    async read(start, end, into) {
      const bytes = await whole.read(start, end, into);
      longest = Math.max(longest, bytes.length);
      if (end - start > 1 << 20) given.add(bytes.buffer);
      return bytes;
    },
  });
  const a = await file.values('a');
  const b = await file.values('b');
  expect(longest).toBeLessThanOrEqual(4 << 20);
  expect(given.size).toBe(1);
  // two readers at the same time do not share it
  const both = await Promise.all([file.values('a'), file.values('b')]);
  expect(given.size).toBe(2);
  await file.close();
  const table = new Float32Array(Uint32Array.from({ length: 101 }, (_, i) => (0x3f80 + i) << 16).buffer);
  for (const [values, from] of [
    [a, 0],
    [b, count],
    [both[0], 0],
    [both[1], count],
  ] as const)
    expect(values.every((value, i) => value === table[(from + i) % 101])).toBe(true);
});
