/** Writing safetensors: byte for byte the reference's files, atomic, sharded. */
import './helpers/cpu.ts';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memory, scalar, type Tensor, tensor, zeros } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { nodeFileSystem } from '../src/io/file-system.node.ts';
import { encodeSafetensors } from '../src/safetensors/encode.ts';
import '../src/safetensors/file-source.node.ts';
import { fileChunks, layout, type TensorToWrite } from '../src/safetensors/layout.ts';
import { openSafetensors, readSafetensors } from '../src/safetensors/open.ts';
import { writeSafetensors, writeShardedSafetensors } from '../src/safetensors/write.node.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { flatten, type Params } from '../src/tree/params.ts';

const golden = (name: string): string => fileURLToPath(new URL(`golden/safetensors/${name}`, import.meta.url));
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-safetensors-'));
});
afterEach(() => rm(folder, { recursive: true }));

const concat = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const c of chunks) all.push(c);
  return Buffer.concat(all);
};

test('the tensors of the reference’s file, written again, give the same bytes', async () => {
  const file = await openSafetensors(golden('mixed.safetensors'));
  const tensors = file.names
    .map(
      (name): TensorToWrite => ({
        ...file.entry(name),
        async *chunks() {
          const raw = await file.raw(name);
          yield new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
        },
      }),
    )
    .reverse();
  const ours = await concat(fileChunks(layout(tensors, file.metadata)));
  await file.close();
  expect(ours.equals(await readFile(golden('mixed.safetensors')))).toBe(true);
});

test('F32 tensors of shape [1], [0,3], [1], [] survive, from path and from bytes', async () => {
  const params = { a: tensor([1.5]), b: zeros([0, 3]), c: tensor([-2]), d: scalar(7) };
  const path = join(folder, 'sub', 'x.safetensors');
  await writeSafetensors(path, params);
  for (const source of [path, await encodeSafetensors(params)]) {
    const back = await readSafetensors(source);
    const found = flatten(back).map(([name, t]) => [name, t.shape, Array.from(t.dataSync())]);
    expect(Object.fromEntries(found.map(([name, ...rest]) => [name, rest]))).toEqual({
      a: [[1], [1.5]],
      b: [[0, 3], []],
      c: [[1], [-2]],
      d: [[], [7]],
    });
    disposeTree(back);
  }
  disposeTree(params);
});

test('any tree of any dtype survives a round trip', async () => {
  const shape = fc.array(fc.nat(3), { maxLength: 4 });
  const leaf = fc.tuple(
    fc.constantFrom('float32', 'int32', 'bool'),
    shape,
    fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 81, maxLength: 81 }),
  );
  const names = fc.stringMatching(/^[a-z]{1,3}(\.[a-z]{4,5}){0,2}$/);
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, leaf, { maxKeys: 6 }), async (leaves) => {
      const before = memory().numTensors;
      const params: Params = {};
      for (const [i, [dtype, dims, values]] of Object.values(leaves).entries()) {
        const size = dims.reduce((n, d) => n * d, 1);
        params[`t${i}`] = { w: tensor(values.slice(0, size), dims, dtype as 'int32') };
      }
      const back = await readSafetensors(await encodeSafetensors(params));
      const show = (p: Params): unknown =>
        flatten(p)
          .map(([name, t]) => [name, t.shape, t.dtype, Array.from(t.dataSync())])
          .sort();
      expect(show(back)).toEqual(show(params));
      disposeTree(back);
      disposeTree(params);
      expect(memory().numTensors).toBe(before);
    }),
    { numRuns: 100 },
  );
});

test('bf16 and f16 halve the file and round once', async () => {
  const params = { w: tensor([0.1, Math.PI, 65504]), ids: tensor([1, 2], [2], 'int32') };
  const bf16 = await openSafetensors(await encodeSafetensors(params, { dtype: 'BF16' }));
  expect([...((await bf16.raw('w')) as Uint16Array)]).toEqual([0x3dcd, 0x4049, 0x4780]);
  expect(bf16.entry('ids').dtype).toBe('I32');
  const f16 = await openSafetensors(await encodeSafetensors(params, { dtype: 'F16', metadata: {} }));
  expect([...((await f16.raw('w')) as Uint16Array)]).toEqual([0x2e66, 0x4248, 0x7bff]);
  expect(f16.metadata).toEqual({});
  disposeTree(params);
});

test('shards hold whole tensors, the index matches transformers’, and stale files go', async () => {
  const params: Params = {
    embed: { weight: tensor([0, 1, 2, 3, 4, 5, 6, 7], [4, 2]) },
    head: {
      weight: tensor(
        [0, 1, 2, 3, 4, 5, 6, 7].map((x) => x / 8),
        [4, 2],
      ),
      bias: tensor([1, 2, 3, 4]),
    },
  };
  const written = await writeShardedSafetensors(folder, params, { maxShardBytes: 40 });
  expect(written).toEqual([
    'model-00001-of-00003.safetensors',
    'model-00002-of-00003.safetensors',
    'model-00003-of-00003.safetensors',
    'model.safetensors.index.json',
  ]);
  const index = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'));
  expect(index).toEqual({
    metadata: { total_parameters: 20, total_size: 80 },
    weight_map: { 'embed.weight': written[0], 'head.bias': written[2], 'head.weight': written[1] },
  });
  const back = await readSafetensors(folder);
  expect(flatten(back).length).toBe(3);
  disposeTree(back);
  // the same shard as the reference wrote it
  expect(
    (await readFile(join(folder, written[0] as string))).equals(
      await readFile(golden('sharded/model-00001-of-00002.safetensors')),
    ),
  ).toBe(true);
  // a later save without shards leaves nothing that a reader could take for it
  expect(await writeShardedSafetensors(folder, params)).toEqual(['model.safetensors']);
  expect(await readdir(folder)).toEqual(['model.safetensors']);
  await expect(writeShardedSafetensors(folder, params, { maxShardBytes: 0 })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
  });
  disposeTree(params);
});

test('a full disk leaves the old file', async () => {
  const path = join(folder, 'model.safetensors');
  const old = { a: scalar(1) };
  const next: Params = { a: scalar(2), b: tensor([3]) };
  await writeSafetensors(path, old);
  let calls = 0;
  const full = {
    ...nodeFileSystem,
    create: async (name: string) => ({
      ...(await nodeFileSystem.create(name)),
      write: async () => {
        if (calls++ === 1) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      },
    }),
  };
  await expect(writeSafetensors(path, next, { fs: full })).rejects.toThrow('the disk is full. Make room');
  const back = await readSafetensors(path);
  expect((back.a as Tensor).dataSync()[0]).toBe(1);
  expect(await readdir(folder)).toEqual(['model.safetensors']);
  for (const p of [old, next, back]) disposeTree(p);
});

test('names, shapes and byte counts that cannot stand in a file are refused', async () => {
  const t = (name: string, shape: number[], bytes: number): TensorToWrite => ({
    name,
    dtype: 'U8',
    shape,
    chunks: () => [new Uint8Array(bytes)],
  });
  expect(() => layout([t('a', [1], 1), t('a', [1], 1)], {})).toThrow('tensor "a": the name is given twice');
  expect(() => layout([t('__metadata__', [1], 1)], {})).toThrow('the name is reserved');
  expect(() => layout([t('a', [-1], 1)], {})).toThrow('the shape cannot be written; got [-1]');
  await expect(concat(fileChunks(layout([t('a', [2], 1)], {})))).rejects.toThrow(
    'tensor "a": U8 of shape [2]; got "1 bytes", wanted 2',
  );
});

test('a number beyond F16 is refused by tensor, and no file is left; what F16 holds is written', async () => {
  const path = join(folder, 'model.safetensors');
  const large = { a: { w: tensor([1, 65520]) } };
  await expect(writeSafetensors(path, large, { dtype: 'F16' })).rejects.toThrow(
    'tensor "a.w": element 1 is too large for F16 and would become infinite; got 65520, wanted at most 65504',
  );
  await expect(encodeSafetensors(large, { dtype: 'F16' })).rejects.toThrow('tensor "a.w"');
  expect(await readdir(folder)).toEqual([]);
  const fits = { a: tensor([65519, -65504, Number.POSITIVE_INFINITY]) };
  await writeSafetensors(path, fits, { dtype: 'F16' });
  const back = await readSafetensors(path);
  expect([...(back.a as Tensor).dataSync()]).toEqual([65504, -65504, Number.POSITIVE_INFINITY]);
});

test('what nothing can be read from is refused', async () => {
  for (const bad of [undefined, null, 5, {}, [1]])
    await expect(readSafetensors(bad as never)).rejects.toThrow('openSafetensors: this is nothing to read from');
});
