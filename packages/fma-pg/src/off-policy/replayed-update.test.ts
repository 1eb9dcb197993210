// Updates that are captured and replayed must be the updates as they are, to the bit.
import { flatten, rng, useBackend } from '@gimbal/tensor-core';
import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import { observationSpec } from '../spaces/observation-spec.ts';
import { Dqn } from './dqn.ts';
import type { OffPolicyLearner } from './learner.ts';
import { Td3 } from './td3.ts';

beforeAll(() => useBackend('auto'));

const observation = observationSpec({
  kind: 'box',
  shape: [3],
  dtype: 'float32',
  low: new Float64Array(3).fill(-9),
  high: new Float64Array(3).fill(9),
});
const [choices, action, rows] = [3, 2, 7];

const makeDqn = (double: boolean): OffPolicyLearner =>
  new Dqn({ observation, choices, hidden: [8], double, tau: 0.5, maxGradNorm: 1 }, rng(1));
const makeTd3 = (): OffPolicyLearner =>
  new Td3(
    {
      ...{ observation: observation.size, action, hidden: [8], tau: 0.1, policyDelay: 2 },
      ...{ explorationNoise: 0.1, targetNoise: 0.2, targetNoiseClip: 0.5 },
    },
    rng(1),
  );

/** A batch of its own for each update. */
function batchOf(update: number, width: number): ReplayBatch {
  const draws = rng(7).split(update);
  const normal = (n: number): Float32Array => Float32Array.from({ length: n }, () => draws.normal());
  return {
    rows,
    obs: normal(3 * rows),
    nextObs: normal(3 * rows),
    actions: width === 1 ? Float32Array.from({ length: rows }, () => draws.int(choices)) : normal(width * rows),
    rewards: normal(rows),
    discounts: Float32Array.from({ length: rows }, (_, i) => (i === 0 ? 0 : 0.9)),
    terminated: Uint8Array.from({ length: rows }, (_, i) => (i === 0 ? 1 : 0)),
    truncated: new Uint8Array(rows),
    weights: Float32Array.from({ length: rows }, () => draws.uniform()),
    indices: new Int32Array(rows),
  };
}

/** All numbers of some updates. @param anew variables move between updates, so that no update can be replayed */
function trained(make: () => OffPolicyLearner, width: number, anew: boolean): object {
  const learner = make();
  const told: object[] = [];
  for (let update = 0; update < 9; update++) {
    const { metrics, errors } = learner.update(
      batchOf(update, width),
      0.01 / (1 + update),
      rng(9).split(update),
      update,
    );
    told.push([metrics(), [...errors()]]);
    if (update % 3 === 2) learner.copyTarget?.();
    if (anew)
      for (const tree of Object.values(learner.trees))
        for (const [, v] of flatten(tree))
          tidy(() => (v as Variable).assign(tensor(v.dataSync().slice(), v.shape, v.dtype as 'float32' | 'int32')));
    learner.refresh();
  }
  const trees = Object.entries(learner.trees).map(([name, tree]) => [
    name,
    flatten(tree).map(([path, t]) => [path, [...t.dataSync()]]),
  ]);
  learner.dispose();
  return { told, trees };
}

test.each([
  ['dqn', () => makeDqn(true), 1],
  ['dqn without double Q', () => makeDqn(false), 1],
  ['td3', makeTd3, action],
] as const)('%s', (_, make, width) => {
  expect(trained(make, width, false)).toEqual(trained(make, width, true));
});
