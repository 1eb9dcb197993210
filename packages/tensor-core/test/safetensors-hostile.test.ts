/** Files that lie: each is refused with a typed error that names the tensor and its offsets, cheaply. */
import './helpers/cpu.ts';
import { memory } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { dtypeBytes, type SafetensorsDtype } from '../src/safetensors/dtype.ts';
import { openSafetensors } from '../src/safetensors/open.ts';
import type { ByteSource } from '../src/safetensors/source.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { entry, type RawFile, rawFile } from './helpers/safetensors.ts';

const ok = entry('F32', [1], 0, 4);
const nest = (n: number): string => `{"__metadata__":${'['.repeat(n)}${']'.repeat(n)}}`;

const hostile: readonly [what: string, file: RawFile, message: string][] = [
  [
    'header padded with NUL bytes',
    { header: `${JSON.stringify({ a: ok })}\0\0\0`, data: [0, 0, 0, 0] },
    'no valid JSON',
  ],
  [
    'one byte after the last tensor',
    { header: { a: ok }, data: [0, 0, 0, 0, 0] },
    'bytes after the last tensor (tensor "a", which ends at 4)',
  ],
  [
    'two names on the same byte range',
    { header: { a: ok, b: ok }, data: [0, 0, 0, 0] },
    'tensor "b": data_offsets [0,4] overlap tensor "a", which ends at 4',
  ],
  [
    'the same name twice',
    {
      header:
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
      data: [0, 0],
    },
    'the key "a" stands twice',
  ],
  [
    'the same key twice in an entry',
    { header: '{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', data: [0] },
    'the key "shape" stands twice',
  ],
  [
    'a header of 2^63 bytes',
    { header: '{}', length: 2n ** 63n },
    'the header is said to be longer than any real one; got "9223372036854775808 bytes"',
  ],
  ['a header of 100,000,001 bytes', { header: '{}', length: 100_000_001n }, 'longer than any real one'],
  [
    'a header beyond the file',
    { header: '{}', length: 3n },
    'the file ends inside its header; got "10 bytes", wanted at least 11',
  ],
  ['an empty header', { header: '' }, 'does not start with {'],
  ['a header that starts with a space', { header: ' {}' }, 'does not start with {'],
  ['a byte order mark', { header: '\ufeff{}' }, 'does not start with {'],
  ['a header cut short', { header: '{"a":' }, 'no value where one must stand'],
  ['text after the header', { header: '{}x' }, 'text after the end of the value'],
  ['brackets without end', { header: nest(1e6) }, 'nesting deeper than 32'],
  [
    'an overlap of one byte',
    { header: { a: entry('U8', [2], 0, 2), b: entry('U8', [2], 1, 3) }, data: [0, 0, 0] },
    'tensor "b": data_offsets [1,3] overlap tensor "a", which ends at 2',
  ],
  [
    'a hole at the start',
    { header: { a: entry('U8', [1], 1, 2) }, data: [0, 0] },
    'leave a hole after the start of the data',
  ],
  [
    'a hole between',
    { header: { a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }, data: [0, 0, 0] },
    'leave a hole after tensor "a"',
  ],
  [
    'a truncated file',
    { header: { a: entry('F32', [3], 0, 12) }, data: [0, 0, 0, 0] },
    'the file ends inside its data',
  ],
  ['offsets that go backwards', { header: { a: entry('U8', [0], 4, 0) } }, 'end before they begin'],
  ['a negative dimension', { header: { a: entry('U8', [-1], 0, 0) } }, 'shape holds something that is no whole number'],
  ['a fraction in the shape', { header: { a: entry('U8', [1.5], 0, 1) }, data: [0] }, 'no whole number'],
  [
    'an exponent in the offsets',
    { header: '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1e0]}}', data: [0] },
    'no whole number from 0 to 2^53 − 1; got "1e0"',
  ],
  [
    'a dimension beyond 2^53',
    { header: '{"a":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,1]}}', data: [0] },
    'no whole number',
  ],
  [
    'a product beyond 2^53',
    { header: { a: entry('F32', [2 ** 30, 2 ** 30, 2 ** 30], 0, 4) }, data: [0, 0, 0, 0] },
    'the shape is too large',
  ],
  [
    'a product that overflows before a zero',
    { header: { a: entry('F32', [2 ** 50, 2 ** 50, 0], 0, 0) } },
    'the shape is too large',
  ],
  ['an overflow to infinity', { header: { a: entry('F32', Array(40).fill(2 ** 52), 0, 0) } }, 'the shape is too large'],
  [
    'an absurd shape on four bytes',
    { header: { a: entry('F32', [2 ** 40], 0, 4) }, data: [0, 0, 0, 0] },
    'do not hold F32 of shape [1099511627776]',
  ],
  [
    'an unknown dtype',
    { header: { a: entry('F33', [1], 0, 4) }, data: [0, 0, 0, 0] },
    'tensor "a": a dtype that cannot be read; got "F33"',
  ],
  [
    'a dtype from the prototype',
    { header: { a: entry('constructor', [1], 0, 4) }, data: [0, 0, 0, 0] },
    'a dtype that cannot be read',
  ],
  ['a complex dtype', { header: { a: entry('C64', [1], 0, 8) }, data: Array(8).fill(0) }, 'got "C64"'],
  [
    'three offsets',
    { header: { a: { dtype: 'U8', shape: [1], data_offsets: [0, 1, 2] } }, data: [0] },
    'data_offsets; got [0,1,2]',
  ],
  ['no offsets', { header: { a: { dtype: 'U8', shape: [1] } }, data: [0] }, 'data_offsets is missing'],
  [
    'an unknown key',
    { header: { a: { dtype: 'U8', shape: [0], data_offsets: [0, 0], x: 1 } } },
    'unknown key in the entry; got "x"',
  ],
  ['an entry that is a list', { header: { a: [] } }, 'the entry is no object'],
  ['metadata with a number', { header: { __metadata__: { a: 1 } } }, '__metadata__ "a" is no string'],
  ['metadata that is a string', { header: { __metadata__: 'x' } }, '__metadata__ is no object'],
  ['a list for a header', { header: '[]' }, 'does not start with {'],
  [
    'half a surrogate pair as a name',
    { header: '{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' },
    'half a surrogate pair',
  ],
];

/** Milliseconds that this process computed since: those of the clock are other processes' too. */
function computed(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

test.each(hostile)('%s is refused', async (_, file, message) => {
  const bytes = rawFile(file);
  const started = process.cpuUsage();
  await expect(openSafetensors(bytes)).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining(message),
  });
  expect(computed(started)).toBeLessThan(1000);
});

test('invalid UTF-8 in the header is refused', async () => {
  const bytes = rawFile({ header: '{"?":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' });
  bytes[10] = 0xff;
  await expect(openSafetensors(bytes)).rejects.toThrow('no valid UTF-8');
});

test.each([0, 1, 7])('a file of %i bytes is refused', async (size) => {
  await expect(openSafetensors(new Uint8Array(size))).rejects.toThrow(
    `too short for a safetensors file; got "${size} bytes"`,
  );
});

test('a header padded with spaces, an empty file and tensors of no bytes are accepted', async () => {
  const padded = rawFile({ header: `${JSON.stringify({ a: ok })}    `, data: [0, 0, 128, 63] });
  expect([...(await (await openSafetensors(padded)).values('a'))]).toEqual([1]);
  expect((await openSafetensors(rawFile({ header: '{}' }))).names).toEqual([]);
  // zero-size tensors at the start, in the middle and at the end, listed in any order
  const header = {
    d: entry('F32', [0], 8, 8),
    a: ok,
    c: entry('F32', [1], 4, 8),
    b: entry('F32', [0, 3], 4, 4),
    z: entry('U8', [0], 0, 0),
  };
  const file = await openSafetensors(rawFile({ header, data: new Uint8Array(8) }));
  expect(file.names).toEqual(['z', 'a', 'b', 'c', 'd']);
  const proto = await openSafetensors(
    rawFile({ header: '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', data: [9] }),
  );
  expect([...(await proto.values('__proto__'))]).toEqual([9]);
  await expect(proto.params()).rejects.toMatchObject({ code: expect.stringContaining('ERR_') });
});

/** Counts what is asked of it and the memory it is given to fill, and answers no request beyond the file. */
function counting(bytes: Uint8Array): ByteSource & { asked: number; given: number } {
  return {
    name: 'fuzz',
    size: bytes.length,
    asked: 0,
    given: 0,
    async read(start, end, into) {
      this.asked += end - start;
      this.given = Math.max(this.given, into?.length ?? 0);
      if (start < 0 || end > bytes.length || end < start) throw new Error(`read outside the file: ${start}…${end}`);
      return bytes.subarray(start, end);
    },
    close: async () => {},
  };
}

/** What was read, or undefined for a typed refusal; any other error is the test's. */
async function readOrTyped<T>(read: Promise<T>, codes = ['ERR_CHECKPOINT']): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    expect(codes).toContain((error as { code?: string }).code);
    return undefined;
  }
}

/** A byte of the file as an int32 (U8, I8) takes four bytes: nothing grows by more. */
const growth = 4;

/**
 * Parsed with every tensor inside the file, or a typed error; never more bytes read than the file has. What was parsed
 * is read in every way there is: the same holds of each tensor, and no way takes more memory than `growth` allows.
 * @returns the number of tensors that were read
 */
async function parsedOrTyped(bytes: Uint8Array): Promise<number> {
  const source = counting(bytes);
  const started = process.cpuUsage();
  const file = await readOrTyped(openSafetensors(source));
  expect(source.asked).toBeLessThanOrEqual(bytes.length);
  if (file === undefined) return 0;
  const before = memory();
  let read = 0;
  for (const name of file.names) {
    const { start, byteLength } = file.entry(name);
    expect(start + byteLength).toBeLessThanOrEqual(bytes.length);
    source.asked = 0;
    const values = await readOrTyped(file.values(name));
    expect(values?.byteLength ?? 0).toBeLessThanOrEqual(growth * byteLength);
    const tensor = await readOrTyped(file.tensor(name));
    expect(memory().numBytes - before.numBytes).toBeLessThanOrEqual(growth * byteLength);
    if (tensor !== undefined) {
      read++;
      expect(await tensor.data()).toEqual(values);
    }
    tensor?.dispose();
    expect(source.asked).toBeLessThanOrEqual(2 * byteLength);
  }
  source.asked = 0;
  // names of any text are no paths of a tree: that is a ConfigError
  const params = await readOrTyped(file.params(), ['ERR_CHECKPOINT', 'ERR_CONFIG']);
  expect(memory().numBytes - before.numBytes).toBeLessThanOrEqual(growth * bytes.length);
  if (params !== undefined) disposeTree(params);
  expect(source.asked).toBeLessThanOrEqual(bytes.length);
  expect(source.given).toBeLessThanOrEqual(bytes.length);
  expect(memory().numTensors).toBe(before.numTensors);
  await file.close();
  expect(computed(started)).toBeLessThan(5000); // no loop without an end; a wait without one ends the test
  return read;
}

const number = fc.oneof(fc.integer({ min: -2, max: 40 }), fc.double(), fc.maxSafeInteger(), fc.constant(2 ** 53));
const anyEntry = fc.record(
  {
    dtype: fc.oneof(fc.constantFrom('F32', 'F16', 'U8', 'I64', 'BOOL', 'F4'), fc.string()),
    shape: fc.oneof(fc.array(number, { maxLength: 4 }), fc.jsonValue()),
    data_offsets: fc.oneof(fc.tuple(number, number), fc.jsonValue()),
  },
  { requiredKeys: [] },
);

test('random bytes are parsed or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => void (await parsedOrTyped(bytes))),
    { numRuns: 2000 },
  );
});

test('random bytes with a fitting length are parsed or refused', async () => {
  const body = fc.uint8Array({ maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(body, body, fc.bigInt({ min: -4n, max: 4n }), async (json, data, off) => {
      const bytes = rawFile({
        header: '',
        data: [...json, ...data],
        length: BigInt.asUintN(64, BigInt(json.length) + off),
      });
      await parsedOrTyped(bytes);
    }),
    { numRuns: 2000 },
  );
});

test('random headers are parsed or refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ maxLength: 4 }), fc.oneof(anyEntry, fc.jsonValue())),
      fc.uint8Array({ maxLength: 60 }),
      async (header, data) => void (await parsedOrTyped(rawFile({ header, data }))),
    ),
    { numRuns: 2000 },
  );
});

test('a good file with any byte changed is parsed or refused', async () => {
  const good = rawFile({
    header: { a: entry('F32', [2], 0, 8), b: entry('U8', [3], 8, 11) },
    data: new Uint8Array(11),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      async (changes) => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        await parsedOrTyped(bytes);
      },
    ),
    { numRuns: 3000 },
  );
});

/** Files whose headers fit: names of any text, every dtype, ranks that no tensor has, random bytes for elements. */
const fitting = fc
  .uniqueArray(
    fc.record({
      name: fc.oneof(fc.constantFrom('a', 'a.b', 'a.b.c', 'w', '', '.', '__proto__'), fc.string({ maxLength: 4 })),
      dtype: fc.constantFrom(...(Object.keys(dtypeBytes) as SafetensorsDtype[])),
      shape: fc.oneof(
        fc.array(fc.nat(3), { maxLength: 4 }),
        fc.array(fc.constantFrom(0, 1), { maxLength: 9 }),
        fc.constantFrom([0, 2 ** 40], [2 ** 20, 0]),
      ),
    }),
    { maxLength: 5, selector: ({ name }) => name },
  )
  .chain((tensors) => {
    const entries: [string, object][] = [];
    let end = 0;
    for (const { name, dtype, shape } of tensors) {
      const size = (shape as number[]).reduce((n, d) => n * d, dtypeBytes[dtype]);
      entries.push([name, entry(dtype, shape, end, end + size)]);
      end += size;
    }
    return fc
      .uint8Array({ minLength: end, maxLength: end })
      .map((data) => rawFile({ header: Object.fromEntries(entries), data }));
  });

test("tensors of random bytes are read or refused, in memory of the file's size", async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fitting, async (bytes) => {
      read += await parsedOrTyped(bytes);
    }),
    { numRuns: 400 },
  );
  expect(read).toBeGreaterThan(200); // most of them fit
});
