// A replay buffer goes into a checkpoint and comes back, from an older one too.
import { disposeTree, type Params, rng, useBackend } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { bufferTree, restoreBuffer } from './buffer-tree.ts';
import { ReplayBuffer } from './replay-buffer.ts';

beforeAll(() => useBackend('auto'));

/** Three rows: the episode went on, it terminated, it was truncated. */
function filled(gamma: number): ReplayBuffer {
  const buffer = new ReplayBuffer(1, 1, 1, gamma, { capacity: 4 });
  const x = Float32Array.of(0);
  for (const [terminated, truncated] of [
    [false, false],
    [true, false],
    [false, true],
  ] as const)
    buffer.add(0, {
      obs: x,
      action: x,
      reward: 0,
      nextObs: x,
      discount: terminated ? 0 : gamma,
      episode: 0,
      terminated,
      truncated,
    });
  return buffer;
}

/** What a fresh buffer has from the saved tree. */
function restored(gamma: number, tree: Params): ReplayBuffer {
  const buffer = new ReplayBuffer(1, 1, 1, gamma, { capacity: 4 });
  restoreBuffer(buffer, tree, 1);
  buffer.written[0] = 3;
  return buffer;
}

test.each([0, 0.9])('how episodes ended is saved and restored, γ = %d', (gamma) => {
  const tree = bufferTree(filled(gamma));
  const buffer = restored(gamma, tree);
  expect([...buffer.ends]).toEqual([0, 1, 2, 0]);
  const { indices, terminated, truncated } = buffer.sample(50, rng(1));
  expect([...terminated]).toEqual([...indices].map((i) => (i === 1 ? 1 : 0)));
  expect([...truncated]).toEqual([...indices].map((i) => (i === 2 ? 1 : 0)));
  disposeTree(tree);
});

test.each([
  [0.9, [0, 1, 0, 0]],
  [0, [0, 0, 0, 0]],
])('older checkpoints tell by the discounts what terminated, where γ = %d lets them', (gamma, ends) => {
  const { ends: gone, ...older } = bufferTree(filled(gamma)) as { [name: string]: Tensor };
  expect([...restored(gamma, older).ends]).toEqual(ends);
  disposeTree({ ...older, ends: gone as Tensor });
});
