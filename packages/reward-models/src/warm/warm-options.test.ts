import type { Params } from '@gimbal/tensor-core';
import { checkWarmOptions, runSettings } from './warm-options.ts';

const tree = {} as Params;
const grid = { learningRate: [1e-4, 2e-4], dropout: [0, 0.1] };

test('runs cycle through the grid, learning rates first, and each has a seed of its own', () => {
  const runs = runSettings({ grid, runs: 5, init: { kind: 'shared', params: tree }, seed: 7 });
  // run 4 begins anew: two rates times two dropouts
  expect(runs).toEqual([
    { run: 0, learningRate: 1e-4, dropout: 0, start: 0, seed: 8 },
    { run: 1, learningRate: 2e-4, dropout: 0, start: 0, seed: 9 },
    { run: 2, learningRate: 1e-4, dropout: 0.1, start: 0, seed: 10 },
    { run: 3, learningRate: 2e-4, dropout: 0.1, start: 0, seed: 11 },
    { run: 4, learningRate: 1e-4, dropout: 0, start: 0, seed: 12 },
  ]);
});

test('of several checkpoints each run starts from the next', () => {
  const runs = runSettings({ grid, runs: 5, init: { kind: 'baklava', checkpoints: [tree, tree, tree] }, seed: 0 });
  expect(runs.map(({ start }) => start)).toEqual([0, 1, 2, 0, 1]);
});

const o = {
  model: { kind: 'bradley-terry', classifier: { config: { family: 'llama' }, labels: ['reward'] } },
  ...{ tokenizer: {}, data: {}, selection: {}, init: { kind: 'shared', params: tree } },
  ...{ grid, runs: 2, stepsPerRun: 1, seed: 0, out: 'nowhere' },
};
const pairwise = { ...o.model, kind: 'pairwise', form: 'antisymmetric' };

it.each<[object, RegExp]>([
  [{ precision: 'float64' }, /WarmTrainer.precision: no such choice/],
  [{ optimizer: { name: 'adm' } }, /Did you mean adam/],
  [{ keepCheckpoints: -1 }, /WarmTrainer.keepCheckpoints: out of range/],
  [{ logEvery: 0 }, /WarmTrainer.logEvery: out of range/],
  [{ seed: Number.NaN }, /seed/],
  [{ lora: { rank: -1 } }, /WarmTrainer.lora.rank: out of range/],
  [{ init: { kind: 'sharde', params: tree } }, /WarmTrainer.init.kind: .*Did you mean shared/],
  [{ init: undefined }, /WarmTrainer.init: the options are no object/],
  [{ selection: undefined }, /WarmTrainer.selection: the options are no object/],
  [{ model: pairwise, centerCoef: 0.5 }, /WarmTrainer.centerCoef: .*a preference model has no scores to centre/],
])('%j is refused before anything is made', (bad, message) => {
  expect(() => checkWarmOptions(o as never)).not.toThrow();
  const call = () => checkWarmOptions({ ...o, ...bad } as never);
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  expect(call).toThrow(message);
});
