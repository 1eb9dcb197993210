// Every architecture through its whole life: a checkpoint of transformers is opened, trained a step, saved and opened again,
// here and in Python. golden/trained.golden.json holds what transformers 5.24.0 said of the saved folders
// (golden/check_trained.py); encoder-decoders stand in seq2seq.test.ts.
//
// To make the file anew, keep the folders and let Python open them:
//   GIMBAL_TRAINED=/tmp/trained npm run jest -- packages/language-models/test/trained.test.ts
//   python packages/language-models/test/golden/check_trained.py /tmp/trained
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  disposeTree,
  flatten,
  mapTree,
  type Params,
  rng,
  useBackend,
  valueAndGrad,
} from '@gimbal/tensor-core';
import {
  mean,
  mul,
  reshape,
  type Scalar,
  square,
  sub,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import {
  loadClassifier,
  loadPretrained,
  padBatch,
  sampleCompletions,
  saveClassifier,
  savePretrained,
} from '../src/index.ts';

const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
const keptIn = process.env.GIMBAL_TRAINED;
let dir: string;
let said: { ids: number[]; logits: { [name: string]: number[] }; greedy: { [name: string]: number[] } };
beforeAll(async () => {
  await useBackend('auto');
  dir = keptIn ?? (await mkdtemp(join(tmpdir(), 'gimbal-trained-')));
  said = JSON.parse(await readFile(golden('trained.golden.json'), 'utf8'));
});
afterAll(async () => {
  if (keptIn === undefined) await rm(dir, { recursive: true });
});

const rate = 0.05;
const row = [5, 9, 12, 7, 33, 21, 14, 40, 28, 17, 52, 36];

/** One step of plain gradient descent. */
function trained(params: Params, loss: (params: Params) => Scalar): Params {
  const { value, grads } = valueAndGrad(loss)(params);
  const of = new Map(flatten(grads));
  const stepped = mapTree(params, (leaf, path) => tidy(() => sub(leaf, mul(of.get(path) as Tensor, rate))));
  value.dispose();
  disposeTree(grads);
  return stepped;
}

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);
};

test.each([
  ...['llama-tiny', 'gpt2-tiny', 'llama-yarn-tiny', 'mistral-tiny', 'qwen2-tiny', 'qwen3-tiny'],
  ...['gemma-tiny', 'gemma2-tiny', 'gemma3-tiny'],
])('%s: after a step of training and a save it says what transformers says of the folder', async (name) => {
  const { model, params: start } = await loadPretrained(golden(name));
  const lastLogits = (p: Params, ids: readonly number[]): number[] => {
    const logits = tidy(() => model.apply(p, tensor2d([...ids], [1, ids.length], 'int32')));
    const all = [...logits.dataSync()];
    logits.dispose();
    return all.slice(-model.config.vocabularySize);
  };
  const params = trained(start, (p) => {
    const logits = model.apply(p, tensor2d(row.slice(0, -1), [1, row.length - 1], 'int32'));
    return crossEntropy(logits, tensor2d(row.slice(1), [1, row.length - 1], 'int32'));
  });
  expect(farthest(lastLogits(params, row), lastLogits(start, row))).toBeGreaterThan(1e-3);

  const target = join(dir, name);
  await savePretrained(target, model, params);
  const again = await loadPretrained(target);
  expect(lastLogits(again.params, row)).toEqual(lastLogits(params, row));
  if (keptIn === undefined) {
    expect(farthest(lastLogits(params, said.ids), said.logits[name] as number[])).toBeLessThan(1e-4);
    const o = { temperature: 0, maxNewTokens: 8, eosIds: model.config.eosIds, rng: rng(0) };
    const { ids } = await sampleCompletions(again.model, again.params, padBatch([said.ids], 0), o);
    expect([...ids]).toEqual(said.greedy[name]);
  }
  for (const tree of [start, params, again.params]) disposeTree(tree);
});

test.each(['bert-tiny', 'roberta-tiny', 'deberta-tiny', 'llama-reward-tiny', 'gpt2-reward-tiny'])(
  '%s: after a step of training and a save it says what transformers says of the folder',
  async (name) => {
    const { model, params: start } = await loadClassifier(golden(name));
    const batchOf = (ids: readonly number[]) => ({ ...padBatch([ids], 0), types: new Int32Array(ids.length) });
    const logitsOf = (p: Params, ids: readonly number[]): number[] => {
      const logits = model.logits(p, batchOf(ids));
      const all = [...logits.dataSync()];
      logits.dispose();
      return all;
    };
    const params = trained(start, (p) => {
      const logits = model.logits(p, batchOf(row));
      if (model.labels.length > 1) return crossEntropy(logits, tensor1d([0], 'int32'));
      return mean(square(sub(reshape(logits, [-1]), 3)));
    });
    expect(farthest(logitsOf(params, row), logitsOf(start, row))).toBeGreaterThan(1e-3);
    const target = join(dir, name);
    await saveClassifier(target, model, params);
    const again = await loadClassifier(target);
    expect(logitsOf(again.params, row)).toEqual(logitsOf(params, row));
    if (keptIn === undefined)
      expect(farthest(logitsOf(params, said.ids), said.logits[name] as number[])).toBeLessThan(1e-4);
    for (const tree of [start, params, again.params]) disposeTree(tree);
  },
);
