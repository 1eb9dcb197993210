import { disposeTree, flatten, type Params, rng, type TokenBatch, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import { profile, type Scalar, sum, type Tensor } from '@tensorflow/tfjs-core';
import {
  adaptedModel,
  createLora,
  decoder,
  type LanguageModel,
  padBatch,
  type Seq2SeqModel,
  seq2seq,
  withGradientCheckpointing,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const stream = rng(3);
const rows = (width: number): TokenBatch =>
  padBatch(
    Array.from({ length: 8 }, (_, b) => Array.from({ length: width - (b % 2) }, () => 1 + stream.int(30))),
    0,
  );
const [prompts, completions] = [rows(6), rows(18)];

/** The value, the gradient by path, and the most bytes that were held meanwhile. */
async function measured(model: LanguageModel | Seq2SeqModel, params: Params, of: 'logProbs' | 'logits' | 'hidden') {
  const loss = (p: Params): Scalar => {
    const out = of === 'hidden' ? model.hidden?.(p, prompts, completions).states : model[of](p, prompts, completions);
    return sum<Scalar>(out as Tensor);
  };
  let value = Number.NaN;
  const gradient = new Map<string, number[]>();
  const { peakBytes } = await profile(() => {
    const { value: v, grads } = valueAndGrad(loss)(params);
    value = v.dataSync()[0] as number;
    for (const [path, leaf] of flatten(grads)) gradient.set(path, [...leaf.dataSync()]);
    v.dispose();
    disposeTree(grads);
  });
  return { value, gradient, peakBytes };
}

const small = { vocabularySize: 32, width: 16, layers: 6, heads: 2 };

test.each([
  ['a decoder', 'logProbs'],
  ['a decoder', 'logits'],
  ['a decoder', 'hidden'],
  ['a decoder with an adapter', 'logProbs'],
  ['an encoder-decoder', 'logProbs'],
] as const)('%s as a policy, by %s: the same value and gradient, less held for it', async (kind, of) => {
  const model = kind === 'an encoder-decoder' ? seq2seq(small) : decoder({ ...small, contextLength: 32 });
  const base = model.init(rng(0));
  const adapter =
    kind === 'a decoder with an adapter'
      ? createLora((model as LanguageModel).config, base, { rank: 2 }, rng(1))
      : undefined;
  const policy = adapter ? adaptedModel(model as LanguageModel, base, adapter) : model;
  const params = adapter?.params ?? base;
  const whole = await measured(policy, params, of);
  const again = await measured(withGradientCheckpointing(policy), params, of);
  expect(again.value).toBeCloseTo(whole.value, 3);
  expect([...again.gradient.keys()]).toEqual([...whole.gradient.keys()]);
  for (const [path, values] of whole.gradient) {
    const size = Math.max(1e-3, ...values.map(Math.abs));
    const far = values.map((v, i) => Math.abs(v - (again.gradient.get(path)?.[i] as number)) / size);
    expect([path, Math.max(...far) < 1e-3]).toEqual([path, true]);
  }
  expect(again.peakBytes).toBeLessThan(0.7 * whole.peakBytes);
  disposeTree(base);
});

test('what is no policy’s gradient is the model’s own', () => {
  const model = decoder(small);
  const made = withGradientCheckpointing(model);
  expect([made.config, made.sample, made.apply, made.init]).toEqual([
    model.config,
    model.sample,
    model.apply,
    model.init,
  ]);
  // capped logits give no hidden states, with it or without
  expect(withGradientCheckpointing(decoder({ ...small, family: 'gemma2', finalSoftcap: 30 })).hidden).toBeUndefined();
});
