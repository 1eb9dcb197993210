import { rng, useBackend } from '@gimbal/tensor-core';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import { observationSpec } from '../spaces/observation-spec.ts';
import { Dqn } from './dqn.ts';

beforeAll(() => useBackend('auto'));

const choices = 4;
const observation = observationSpec({
  kind: 'box',
  shape: [2],
  dtype: 'float32',
  low: new Float64Array(2).fill(-9),
  high: new Float64Array(2).fill(9),
});

test.each([true, false])('the best of the next state is one that its mask allows, double %p', (double) => {
  const learner = new Dqn({ observation, choices, hidden: [8], double, tau: 1, maxGradNorm: 1 }, rng(3));
  const nextObs = Float32Array.of(0.4, -1.3);
  /** |Q(s, a) − y|, of an update that changes nothing */
  const error = (...allowed: number[]): number => {
    const batch: ReplayBatch = {
      ...{ rows: 1, obs: Float32Array.of(1, 2), actions: Float32Array.of(0), rewards: Float32Array.of(-50), nextObs },
      ...{ discounts: Float32Array.of(0.9), weights: Float32Array.of(1), indices: new Int32Array(1) },
      ...(allowed.length > 0 && {
        nextMasks: Float32Array.from({ length: choices }, (_, a) => Number(allowed.includes(a))),
      }),
    };
    return learner.update(batch, 0).errors()[0] as number;
  };
  const greedy = new Float32Array(1);
  learner.act(nextObs, 1, greedy, undefined, 0);
  const best = greedy[0] as number;
  const alone = [0, 1, 2, 3].map((a) => error(a)); // −50 lies below every value: |Q − y| falls by γQ̄(s', a)
  expect(new Set(alone.map((e) => e.toFixed(5))).size).toBe(choices);
  expect(error()).toBeCloseTo(alone[best] as number, 5);
  expect(error(0, 1, 2, 3)).toBeCloseTo(alone[best] as number, 5);
  // without the best, the best of the others: the smallest error
  const others = [0, 1, 2, 3].filter((a) => a !== best);
  expect(error(...others)).toBeCloseTo(Math.min(...others.map((a) => alone[a] as number)), 5);
  learner.dispose();
});
