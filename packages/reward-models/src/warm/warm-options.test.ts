import type { Params } from '@gimbal/tensor-core';
import { runSettings } from './warm-options.ts';

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
