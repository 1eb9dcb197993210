// Updates of DQN beside Stable-Baselines3's own, and beside torch's with the double estimator, from equal weights and
// batches (test/golden/dqn_sb3.py); and masks.
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  expectUpdates,
  type Golden,
  type Layers,
  net,
  readGolden,
  type Updates,
} from '../../test/fixtures/given-updates.ts';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import { observationSpec } from '../spaces/observation-spec.ts';
import { Dqn } from './dqn.ts';

beforeAll(() => useBackend('auto'));

const boxOf = (width: number) =>
  observationSpec({
    kind: 'box',
    shape: [width],
    dtype: 'float32',
    low: new Float64Array(width).fill(-9),
    high: new Float64Array(width).fill(9),
  });

interface Trees {
  q: Layers;
  target: Layers;
}
const golden = readGolden<
  Omit<Golden<Trees, 'maxGradNorm'>, keyof Updates<Trees>> & { cases: (Updates<Trees> & { double: boolean })[] }
>('dqn-sb3');

test.each(golden.cases)('four updates and a move of the target are those of the others, double $double', (theirs) => {
  const { sizes, settings } = golden;
  const { double, ...updates } = theirs;
  const { observation, action: choices, hidden } = sizes;
  const learner = new Dqn({ ...settings, observation: boxOf(observation), choices, hidden, double }, rng(0));
  const named = ({ q, target }: Trees) => ({ q: net(q), target: net(target) });
  expectUpdates(learner, updates, settings, named, ({ criticLoss }, { loss }, update) => {
    expect(criticLoss).toBeCloseTo(loss as number, 4);
    if (update === 1) learner.copyTarget();
  });
});

const choices = 4;
const observation = boxOf(2);

test.each([true, false])('the best of the next state is one that its mask allows, double %p', (double) => {
  const learner = new Dqn({ observation, choices, hidden: [8], double, tau: 1, maxGradNorm: 1 }, rng(3));
  const nextObs = Float32Array.of(0.4, -1.3);
  /** |Q(s, a) − y|, of an update that changes nothing */
  const error = (...allowed: number[]): number => {
    const batch: ReplayBatch = {
      ...{ rows: 1, obs: Float32Array.of(1, 2), actions: Float32Array.of(0), rewards: Float32Array.of(-50), nextObs },
      ...{ discounts: Float32Array.of(0.9), weights: Float32Array.of(1), indices: new Int32Array(1) },
      ...{ terminated: new Uint8Array(1), truncated: new Uint8Array(1) },
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
