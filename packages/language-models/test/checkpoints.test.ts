// Checkpoints that Python's transformers wrote: the same logits, loss, gradients and greedy tokens here.
// The files were made by golden/make_checkpoints.py (torch 2.13.0, transformers 5.24.0).
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  disposeTree,
  flatten,
  openSafetensors,
  type Params,
  rng,
  useBackend,
  valueAndGrad,
  type WeightFile,
  withPrecision,
} from '@gimbal/tensor-core';
import { memory, type Scalar, tensor2d } from '@tensorflow/tfjs-core';
import {
  batchRows,
  causalLmLoss,
  type DecoderOptions,
  decoder,
  loadPretrained,
  type Pretrained,
  padBatch,
  rowOf,
  sampleCompletions,
  savePretrained,
  type TokenRow,
} from '../src/index.ts';
import { difference } from './helpers/difference.ts';

const folder = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));

const backend = await useBackend('auto');
const inBf16 = backend.bf16 ? it : it.skip;
if (!backend.bf16) console.warn(`skipped: ${backend.name} has no bf16 products on this machine`);

/** Σ (a - b)². */
const squaredDistance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return sum;
};

const names = [
  'llama-tiny',
  'gpt2-tiny',
  'llama-yarn-tiny',
  'mistral-tiny',
  'qwen2-tiny',
  'qwen3-tiny',
  'gemma-tiny',
  'gemma2-tiny',
  'gemma3-tiny',
];
describe.each(names)('%s', (name) => {
  let loaded: Pretrained;
  let expected: WeightFile;
  let ids: Int32Array;
  const [batch, time] = [2, 24];

  beforeAll(async () => {
    loaded = await loadPretrained(folder(name));
    expected = await openSafetensors(join(folder(name), 'expected.safetensors'));
    ids = (await expected.values('ids')) as Int32Array;
  });
  afterAll(async () => {
    disposeTree(loaded.params);
    await expected.close();
  });

  it('gives the logits of transformers within 1e-4', async () => {
    const input = tensor2d(ids, [batch, time], 'int32');
    const logits = loaded.model.apply(loaded.params, input);
    expect(logits.shape).toEqual([batch, time, 64]);
    expect(difference(await logits.data(), await expected.values('logits'))).toBeLessThan(1e-4);
    input.dispose();
    logits.dispose();
  });

  it('gives the loss and the gradients of transformers, with and without gradient checkpointing', async () => {
    const labels = (await expected.values('labels')) as Int32Array;
    const [inputs, targets, weights] = [new Int32Array(46), new Int32Array(46), new Float32Array(46)];
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t + 1 < time; t++) {
        inputs[b * 23 + t] = ids[b * time + t] as number;
        const label = labels[b * time + t + 1] as number;
        targets[b * 23 + t] = Math.max(label, 0);
        weights[b * 23 + t] = label < 0 ? 0 : 1;
      }
    }
    for (const gradientCheckpointing of [false, true]) {
      const { value, grads } = valueAndGrad((params: Params): Scalar => {
        const logits = loaded.model.apply(params, tensor2d(inputs, [2, 23], 'int32'), { gradientCheckpointing });
        const options = { weights: tensor2d(weights, [2, 23]) };
        return crossEntropy(logits, tensor2d(targets, [2, 23], 'int32'), options);
      })(loaded.params);
      expect(difference(await value.data(), await expected.values('loss'))).toBeLessThan(1e-4);
      const byPath = new Map(flatten(grads));
      const checked = expected.names.filter((tensor) => tensor.startsWith('gradient:'));
      expect(checked.length).toBeGreaterThanOrEqual(4);
      for (const tensor of checked) {
        const ours = byPath.get(tensor.slice('gradient:'.length));
        expect(difference((await ours?.data()) ?? [], await expected.values(tensor))).toBeLessThan(1e-4);
      }
      value.dispose();
      disposeTree(grads);
    }
  });

  it('gives that loss and those gradients by the loss that trainers use', async () => {
    const labels = (await expected.values('labels')) as Int32Array;
    const row = (b: number): TokenRow => ({
      ids: ids.slice(b * time, (b + 1) * time),
      from: 0,
      counts: Uint8Array.from({ length: time }, (_, t) => Number((labels[b * time + t] as number) >= 0)),
    });
    const lm = batchRows([row(0), row(1)], 0, time);
    const { value, grads } = valueAndGrad((params: Params) => causalLmLoss(loaded.model, params, lm))(loaded.params);
    const mean = [((await value.data())[0] as number) / lm.tokens];
    expect(difference(mean, await expected.values('loss'))).toBeLessThan(1e-4);
    for (const [path, grad] of flatten(grads)) {
      if (!expected.names.includes(`gradient:${path}`)) continue;
      const ours = Array.from(await grad.data(), (g) => g / lm.tokens);
      expect(difference(ours, await expected.values(`gradient:${path}`))).toBeLessThan(1e-4);
    }
    value.dispose();
    disposeTree(grads);
  });

  it('writes the same greedy tokens, for prompts of unequal length in one batch', async () => {
    const prompts = padBatch([ids.subarray(0, 9), ids.subarray(24, 28)], 0);
    const before = memory().numTensors;
    const { model, params } = loaded;
    const o = { temperature: 0, maxNewTokens: 12, logProbs: true, rng: rng(0) };
    const done = await sampleCompletions(model, params, prompts, o);
    expect([...done.ids]).toEqual([...(await expected.values('greedy'))]);
    expect([...done.lengths]).toEqual([12, 12]);
    expect(memory().numTensors).toBe(before);
    // as sure of each as without the cache and the kept step
    const whole = model.logProbs(params, prompts, done);
    expect(difference(done.logProbs ?? [], whole.dataSync())).toBeLessThan(2e-5);
    whole.dispose();
  });

  it('has the same next-token logits with the cache as without, for every step and row', async () => {
    const { model, params } = loaded;
    const rows = [ids.subarray(0, 20), ids.subarray(24, 24 + 13), ids.subarray(5, 6)];
    const starts = [8, 3, 1]; // prompts
    const prompts = padBatch(
      rows.map((row, i) => row.subarray(0, starts[i])),
      0,
    );
    const full = rows.map((row) => {
      const logits = model.apply(params, tensor2d(row, [1, row.length], 'int32'));
      return logits.dataSync();
    });
    using state = model.begin(params, prompts, { maxNewTokens: 12 });
    let append: Int32Array | undefined;
    for (let step = 0; step < 10; step++) {
      const logits = model.next(params, state, append);
      const values = logits.dataSync();
      rows.forEach((row, b) => {
        const at = (starts[b] as number) - 1 + step;
        if (at >= row.length) return;
        const wanted = (full[b] as Float32Array).subarray(at * 64, (at + 1) * 64);
        expect(difference(values.subarray(b * 64, (b + 1) * 64), wanted)).toBeLessThan(2e-5);
      });
      append = Int32Array.from(rows, (row, b) => row[(starts[b] as number) + step] ?? 0);
    }
  });

  inBf16('is hardly further from float32 with a cache in bf16 than by its bf16 products alone', async () => {
    const { model, params } = loaded;
    const row = ids.subarray(0, 20);
    const whole = () => model.apply(params, tensor2d(row, [1, row.length], 'int32')).dataSync();
    const exact = whole();
    // sums of squared errors over all logits: the largest one alone says as much of the tokens as of the rounding
    let [alone, cached] = [0, 0];
    withPrecision('bf16', () => {
      const rounded = whole();
      using state = model.begin(params, padBatch([row.subarray(0, 8)], 0), { maxNewTokens: 12 });
      for (let at = 7; at < 19; at++) {
        const logits = model.next(params, state, at === 7 ? undefined : row.slice(at, at + 1)).dataSync();
        const wanted = exact.subarray(at * 64, (at + 1) * 64);
        cached += squaredDistance(logits, wanted);
        alone += squaredDistance(rounded.subarray(at * 64, (at + 1) * 64), wanted);
      }
    });
    // the products of a block round ten and more operands, the cache two: its share of the squared error is less than half
    expect(cached).toBeGreaterThan(0);
    expect(cached).toBeLessThan(2 * alone);
  });

  it('scores completions where they stand, alone and beside a longer neighbour', async () => {
    const { model, params } = loaded;
    const prompts = padBatch([ids.subarray(0, 9), ids.subarray(24, 28)], 0);
    const completions = padBatch([ids.subarray(9, 12), ids.subarray(28, 35)], 0);
    const together = model.logProbs(params, prompts, completions).arraySync();
    expect(together[0]?.slice(3).map(Math.abs)).toEqual([0, 0, 0, 0]); // padding
    for (const row of [0, 1]) {
      const alone = model.logProbs(params, padBatch([rowOf(prompts, row)], 0), padBatch([rowOf(completions, row)], 0));
      expect(difference(alone.dataSync(), together[row]?.slice(0, alone.size) ?? [])).toBeLessThan(1e-5);
    }
    // by the definition: log-softmax of the logits one position before each token
    const all = model.apply(params, tensor2d(ids, [2, 24], 'int32')).arraySync() as number[][][];
    const at = (b: number, t: number, token: number): number => {
      const z = all[b]?.[t] as number[];
      const top = Math.max(...z);
      return (z[token] as number) - top - Math.log(z.reduce((a, x) => a + Math.exp(x - top), 0));
    };
    expect(together[0]?.[0]).toBeCloseTo(at(0, 8, ids[9] as number), 4);
    expect(together[1]?.[6]).toBeCloseTo(at(1, 9, ids[34] as number), 4);
    const parts = model.hidden?.(params, prompts, completions);
    if (model.config.finalSoftcap === undefined) {
      expect(parts?.states.shape).toEqual([2, 7, model.config.width]);
      expect(parts?.head.shape).toEqual([64, model.config.width]);
    } else expect(parts).toBeUndefined(); // capped logits are not a product
    const logits = model.logits(params, prompts, completions);
    expect(difference(logits.dataSync().subarray(0, 64), all[0]?.[8] ?? [])).toBeLessThan(1e-5);
  });

  it('survives save and load: the same tensors under the same names, the same config', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gimbal-pretrained-'));
    try {
      const target = join(dir, 'model');
      await savePretrained(target, loaded.model, loaded.params, { generation: { temperature: 0.7, topK: 5 } });
      await savePretrained(target, loaded.model, loaded.params, { generation: { temperature: 0.7, topK: 5 } }); // replaces
      const again = await loadPretrained(target);
      expect(again.model.config).toEqual(loaded.model.config);
      expect(again.generation).toMatchObject({ temperature: 0.7, topK: 5, topP: 1 });
      const [ours, theirs] = [
        await readFile(join(target, 'model.safetensors')),
        await readFile(join(folder(name), 'model.safetensors')),
      ];
      expect(ours.equals(theirs)).toBe(true); // byte for byte what transformers wrote
      disposeTree(again.params);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

// what a family adds, left out or turned a little: the golden files must tell
describe.each<[string, Partial<DecoderOptions>]>([
  ['llama-tiny', { ropeTheta: 400 }],
  ['llama-yarn-tiny', { ropeTheta: 80 }],
  ['mistral-tiny', { window: 6 }],
  ['qwen2-tiny', { window: 4 }],
  ['qwen2-tiny', { slidingLayers: [false, false, true] }],
  ['gemma2-tiny', { window: 6 }],
  ['gemma2-tiny', { queryScale: 12 ** -0.5 }],
  ['gemma2-tiny', { attentionSoftcap: 50 }],
  ['gemma2-tiny', { finalSoftcap: 30 }],
  ['gemma3-tiny', { localRopeTheta: 500 }],
  ['gemma3-tiny', { ropeScaling: { type: 'linear', factor: 1 } }],
  ['gemma3-tiny', { slidingLayers: [false, true, false] }],
])('%s with %j', (name, change) => {
  it('has other logits', async () => {
    const { model, params } = await loadPretrained(folder(name));
    const expected = await openSafetensors(join(folder(name), 'expected.safetensors'));
    const ids = tensor2d((await expected.values('ids')) as Int32Array, [2, 24], 'int32');
    const changed = decoder({ ...model.config, ...change }).apply(params, ids);
    expect(difference(changed.dataSync(), await expected.values('logits'))).toBeGreaterThan(1e-2);
    disposeTree(params);
    await expected.close();
  });
});
