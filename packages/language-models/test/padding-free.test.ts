// Rows in one line, each of which sees only itself: the loss and the gradients of the same rows beside padding.
import { fileURLToPath } from 'node:url';
import { disposeTree, flatten, type Params, type Rng, rng, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import { ones } from '@tensorflow/tfjs-core';
import { passOfBlock, wholePass } from '../src/decoder/pass.ts';
import {
  batchRows,
  CausalLmTrainer,
  causalLmLoss,
  dataset,
  decoder,
  joinedBatch,
  loadPretrained,
  packWhole,
  type TokenRow,
  tokenRows,
  trainTokenizer,
} from '../src/index.ts';

beforeAll(async () => {
  await useBackend('auto');
});

const r = rng(3);
const row = (length: number, from = 0): TokenRow => ({
  ids: Int32Array.from({ length }, () => 4 + r.int(60)),
  from,
});
// two of equal length, one of two tokens, one all but its last token prompt
const rows = [row(9), row(24, 5), row(9, 3), row(2), row(17, 16), row(24)];

it.each(['llama-tiny', 'gpt2-tiny', 'mistral-tiny', 'qwen2-tiny', 'gemma2-tiny', 'gemma3-tiny', 'llama-yarn-tiny'])(
  '%s: the same loss and gradients without padding',
  async (name) => {
    const { model, params } = await loadPretrained(fileURLToPath(new URL(`golden/${name}`, import.meta.url)));
    const gradientCheckpointing = name !== 'gpt2-tiny';
    const [padded, joined] = [batchRows(rows, 0, 40), joinedBatch(rows, 0)].map((batch) => {
      const { value, grads } = valueAndGrad((p: Params) => causalLmLoss(model, p, batch, { gradientCheckpointing }))(
        params,
      );
      const out = { loss: value.dataSync()[0] as number, tokens: batch.tokens, grads: flatten(grads) };
      value.dispose();
      return out;
    }) as [{ loss: number; tokens: number; grads: ReturnType<typeof flatten> }, never];
    const other = joined as typeof padded;
    expect(other.tokens).toBe(padded.tokens);
    expect(Math.abs(other.loss - padded.loss)).toBeLessThan(1e-4 * Math.abs(padded.loss));
    padded.grads.forEach(([path, grad], i) => {
      const [a, b] = [[...grad.dataSync()], other.grads[i]?.[1].dataSync() ?? []];
      const scale = a.reduce((m, x) => Math.max(m, Math.abs(x)), 1);
      const worst = a.reduce((m, x, j) => Math.max(m, Math.abs(x - (b[j] as number))), 0);
      expect([path, worst < 1e-4 * scale]).toEqual([path, true]);
    });
    for (const [, tensor] of [...padded.grads, ...other.grads]) tensor.dispose();
    disposeTree(params);
  },
);

it('drops in every block with noise of its own, and the same twice', async () => {
  const model = decoder({ vocabularySize: 64, width: 16, layers: 2, heads: 2, dropout: 0.3 });
  const params = model.init(rng(1));
  const loss = (o: { rng?: Rng }): number => {
    const scalar = causalLmLoss(model, params, joinedBatch(rows, 0), o);
    const [value] = scalar.dataSync();
    scalar.dispose();
    return value as number;
  };
  expect(loss({ rng: rng(7) })).toBe(loss({ rng: rng(7) }));
  expect(loss({ rng: rng(7) })).not.toBe(loss({ rng: rng(8) }));
  expect(loss({ rng: rng(7) })).not.toBe(loss({}));
  disposeTree(params);
  const pass = wholePass(model.config, rng(7), [4, 4]);
  const dropped = [0, 1].map((block) => [
    ...passOfBlock(pass, block)
      .drop(ones([64]), 'mlp')
      .dataSync(),
  ]);
  expect(dropped[0]).not.toEqual(dropped[1]);
});

it('packs whole rows, each once, none beyond the width', () => {
  const many = Array.from({ length: 500 }, () => row(2 + r.int(62)));
  const blocks = packWhole(many, 63);
  expect(blocks.flat().sort((a, b) => many.indexOf(a) - many.indexOf(b))).toEqual(many);
  const sizes = blocks.map((block) => block.reduce((sum, { ids }) => sum + ids.length - 1, 0));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(63);
  const total = sizes.reduce((a, b) => a + b, 0);
  expect(blocks.length).toBeLessThanOrEqual(Math.ceil((1.05 * total) / 63)); // at most a twentieth is left empty
});

it.each([{ packing: true }, { paddingFree: true }])('the trainer takes %j for prompts and completions', async (o) => {
  const pairs = Array.from({ length: 24 }, (_, i) => ({
    prompt: `${i % 5} +`,
    completion: `${i}`.repeat(1 + (i % 4)),
  }));
  const tokenizer = trainTokenizer(pairs.map(({ prompt, completion }) => `${prompt}\n${completion}`));
  const data = dataset(pairs);
  const model = decoder({ vocabularySize: tokenizer.size, width: 16, layers: 1, heads: 2, contextLength: 32 });
  const params = model.init(rng(1));
  const shared = { model, params, tokenizer, data, batchSize: 24, learningRate: 1e-2, seed: 1 };
  // one batch of all rows: the loss of the first step is that of the rows beside padding
  using plain = new CausalLmTrainer(shared);
  using other = new CausalLmTrainer({ ...shared, ...o });
  const first = async (trainer: CausalLmTrainer): Promise<{ loss: number; tokens: number }> => {
    for await (const { loss, tokens } of trainer.train({ steps: 1 })) return { loss, tokens };
    throw new Error('no step');
  };
  const [a, b] = [await first(plain), await first(other)];
  expect(b.tokens).toBe(a.tokens);
  expect(b.loss).toBeCloseTo(a.loss, 4);
  expect(tokenRows(data, tokenizer, { limit: 32 }).rows).toHaveLength(24);
  disposeTree(params);
});
