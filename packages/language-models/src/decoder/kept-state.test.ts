// Generations in a row under one packing share caches and the captured step: same numbers, one state, freed with it.
import {
  backendExtensions,
  disposeTree,
  flatten,
  type Params,
  replaysSteps,
  rng,
  useBackend,
  withPrecision,
} from '@gimbal/tensor-core';
import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { decoder, decodeTokens, padBatch } from '../index.ts';
import { holderOf } from './packing.ts';

const model = decoder({ family: 'gpt2', vocabularySize: 40, width: 32, layers: 2, heads: 2, contextLength: 32 });
const { name, bf16 } = await useBackend('auto');
const native = replaysSteps();
const onNative = native ? test : test.skip;
if (!native) console.warn(`skipped: ${name} replays no steps and writes no weights in place`);
if (!bf16) console.warn(`skipped: ${name} has no bf16 products on this machine`);
let params: Params;

beforeEach(() => {
  params = model.init(rng(1));
});
afterEach(() => disposeTree(params));

const batch = (...rows: number[][]) =>
  padBatch(
    rows.map((ids) => Int32Array.from(ids)),
    0,
  );
const even = batch([1, 2, 3], [4, 5, 6], [7, 8, 9]);
const other = batch([9, 8, 7], [6, 5, 4], [3, 2, 1]);
const uneven = batch([1, 2, 3], [4, 5], [6]);
const uneven2 = batch([7], [8, 9, 1], [2, 3]);

async function written(prompts = even, o: { temperature?: number; maxNewTokens?: number } = {}, weights = params) {
  const out: number[] = [];
  const steps = decodeTokens(model, weights, prompts, {
    maxNewTokens: 6,
    temperature: 0,
    logProbs: true,
    rng: rng(3),
    ...o,
  });
  for await (const { ids, logProbs } of steps) out.push(...ids, ...(logProbs as Float32Array));
  return out;
}
const kept = () => holderOf(params)?.kept;

test('generations under one packing give the numbers of those without', async () => {
  const alone = [];
  const calls = [
    [even],
    [other],
    [even, { temperature: 1 }],
    [uneven],
    [uneven2],
    [uneven, { maxNewTokens: 4 }],
  ] as const;
  for (const [prompts, o] of calls) alone.push(await written(prompts, o));
  using _packed = model.pack(params);
  const together = [];
  // twice each: the second one goes on with the state of the first
  for (const [prompts, o] of calls) {
    await written(prompts, o);
    together.push(await written(prompts, o));
  }
  expect(together).toEqual(alone);
});

test('the same state serves them, one at most is held, and it goes with the packing', async () => {
  const before = memory().numTensors;
  const packed = model.pack(params);
  await written();
  const first = kept();
  expect(first !== undefined).toBe(native);
  const held = memory().numTensors;
  await written(other);
  expect(kept()).toBe(first);
  expect(memory().numTensors).toBe(held);
  await written(uneven);
  expect(kept() === first).toBe(!native);
  await Promise.all([written(), written(other)]);
  await written();
  expect(memory().numTensors).toBe(held);
  packed.dispose();
  expect(memory().numTensors).toBe(before);
});

test('without a packing nothing is held', async () => {
  const before = memory().numTensors;
  await written();
  expect([memory().numTensors, kept()]).toEqual([before, undefined]);
});

onNative('weights that change, and another precision, end it', async () => {
  const extensions = backendExtensions() as NonNullable<ReturnType<typeof backendExtensions>>;
  using _packed = model.pack(params);
  const old = await written();
  for (const [path, weight] of flatten(params)) {
    if (path.includes('weight'))
      extensions.overwrite(
        weight,
        weight.dataSync().map((x) => x * 1.5),
      );
  }
  const after = await written();
  expect(after).not.toEqual(old);
  const fresh = model.init(rng(1));
  const copies = flatten(fresh);
  for (const [i, [, weight]] of flatten(params).entries()) {
    extensions.overwrite((copies[i] as (typeof copies)[number])[1], weight.dataSync());
  }
  // these weights are packed, those no longer are: the same sums in another order
  const expected = await written(even, {}, fresh);
  expect(Math.max(...after.map((x, i) => Math.abs(x - (expected[i] as number))))).toBeLessThan(1e-5);
  disposeTree(fresh);
  const state = kept();
  if (extensions.bf16) await withPrecision('bf16', () => written());
  expect(kept() === state).toBe(!extensions.bf16);
});

test('a weight that another tensor takes the place of ends it', async () => {
  const before = memory().numTensors;
  const packed = model.pack(params);
  const old = await written();
  const first = kept();
  const other = model.init(rng(2));
  for (const [path, tensor] of flatten(other)) replace(path, tensor);
  const after = await written();
  expect(after).not.toEqual(old);
  if (native) expect(kept()).not.toBe(first);
  // the packing holds copies of weights that are gone: the new ones are read as they are: the same sums in another order
  const fresh = model.init(rng(2));
  const expected = await written(even, {}, fresh);
  expect(Math.max(...after.map((x, i) => Math.abs(x - (expected[i] as number))))).toBeLessThan(1e-5);
  disposeTree(fresh);
  packed.dispose();
  expect(memory().numTensors).toBe(before);
});

const precisions = bf16 ? (['float32', 'bf16'] as const) : (['float32'] as const);
onNative.each(precisions)('in %s, one capture serves generations in a row', async (precision) => {
  const extensions = backendExtensions() as NonNullable<ReturnType<typeof backendExtensions>>;
  using _packed = model.pack(params);
  const { capture } = extensions;
  let captures = 0;
  extensions.capture = (step) => {
    captures++;
    return capture(step);
  };
  try {
    await withPrecision(precision, async () => {
      const first = await written();
      expect(captures).toBe(1);
      expect(await written()).toEqual(first);
      await written(other, { temperature: 0 });
      expect(captures).toBe(1);
    });
  } finally {
    extensions.capture = capture;
  }
});

/** Puts a tensor in a weight's place and frees that. */
function replace(path: string, tensor: Tensor): void {
  const keys = path.split('.');
  const last = keys.pop() as string;
  let node = params;
  for (const key of keys) node = node[key] as Params;
  (node[last] as Tensor).dispose();
  node[last] = tensor;
}
