import { gae, normalizeAdvantages, type TrajectoryBatch, vtrace } from '../index.ts';
import { explainedVariance } from './normalize-advantages.ts';

/** Three steps of one copy that end at the third; the observation after it is the reset one. */
const trajectory = (terminated: 0 | 1, truncated: 0 | 1): TrajectoryBatch => ({
  numEnvs: 1,
  rewards: Float32Array.of(1, 1, 1),
  values: Float32Array.of(5, 5, 5),
  lastValues: Float32Array.of(-100),
  finalValues: Float32Array.of(0, 0, 10),
  terminated: Uint8Array.of(0, 0, terminated),
  truncated: Uint8Array.of(0, 0, truncated),
});
const advantages = (b: TrajectoryBatch, lambda: number): number[] => [...gae(b, { gamma: 0.9, lambda }).advantages];
const near = (values: number[]): unknown[] => values.map((v) => expect.closeTo(v, 5));

test('a time limit takes the value of the final observation, never that of the reset one', () => {
  // λ 1: 1 + .9·10 − 5 = 5; 1 + .9 + .81·10 − 5 = 5; …
  expect(advantages(trajectory(0, 1), 1)).toEqual(near([5, 5, 5]));
  // λ .95: δ = 5, .5, .5; .5 + .855·5 = 4.775; .5 + .855·4.775
  expect(advantages(trajectory(0, 1), 0.95)).toEqual(near([4.582625, 4.775, 5]));
});

test('rewards and values that are not finite, and discounts outside [0, 1], are refused by name', () => {
  const b = trajectory(0, 1);
  expect(() => gae({ ...b, rewards: Float32Array.of(1, Number.NaN, 1) }, { gamma: 0.9, lambda: 1 })).toThrow(
    'gae, step 1, copy 0: rewards is not finite; got NaN',
  );
  expect(() => gae(b, { gamma: 2, lambda: 1 })).toThrow('gae.gamma: out of range; got 2');
  expect(() => vtrace(b, new Float32Array(3), { gamma: 0.9, lambda: -1 })).toThrow('vtrace.lambda: out of range');
});

test('an end takes none, also where the time limit falls on the same step', () => {
  for (const truncated of [0, 1] as const)
    expect(advantages(trajectory(1, truncated), 1)).toEqual(near([-2.29, -3.1, -4]));
});

test('copies are interleaved, and the last step looks at the value after it', () => {
  const b: TrajectoryBatch = {
    numEnvs: 2,
    rewards: Float32Array.of(1, 0, 1, 2),
    values: Float32Array.of(0, 1, 0, 1),
    lastValues: Float32Array.of(10, 0),
    finalValues: new Float32Array(4),
    terminated: Uint8Array.of(0, 1, 0, 0),
    truncated: new Uint8Array(4),
  };
  const { advantages: A, returns } = gae(b, { gamma: 0.5, lambda: 1 });
  // copy 0: 1 + .5·10 = 6, 1 + .5·6 = 4; copy 1: ended at 0: 0 − 1; then 2 + .5·0 − 1
  expect([...A]).toEqual([4, -1, 6, 1]);
  expect([...returns]).toEqual([4, 0, 6, 2]);
  expect(() => gae({ ...b, values: new Float32Array(3) }, { gamma: 1, lambda: 1 })).toThrow(
    'gae: values has another length than rewards',
  );
});

test('V-trace is GAE’s return on the policy’s own data, and truncates ratios by hand', () => {
  const b = trajectory(0, 1);
  const own = vtrace(b, new Float32Array(3), { gamma: 0.9 });
  expect([...own.returns]).toEqual(near([...gae(b, { gamma: 0.9, lambda: 1 }).returns]));
  // ρ = ½, 2 → ½, 1. Step 2: ρ̄ = 1: v − V = 5; step 1: ρ̄ = c = ½: ½(1 + .9·5 − 5) + .9·½·5 = 2.5
  const off = vtrace(b, Float32Array.of(0, Math.log(0.5), Math.log(2)), { gamma: 0.9 });
  expect(off.returns[2]).toBeCloseTo(10, 5);
  expect(off.returns[1]).toBeCloseTo(7.5, 5);
  expect(off.advantages[1]).toBeCloseTo(0.5 * (0.5 + 0.9 * 5), 5);
  expect(off.returns[0]).toBeCloseTo(5 + 0.5 + 0.9 * 2.5, 5);
});

test('advantages alone and equal ones do not become NaN', () => {
  expect([...normalizeAdvantages(Float32Array.of(7))]).toEqual([7]);
  expect([...normalizeAdvantages(Float32Array.of(3, 3, 3))]).toEqual([0, 0, 0]);
  expect([...normalizeAdvantages(Float32Array.of(1, 3))]).toEqual(near([-Math.SQRT1_2, Math.SQRT1_2]));
  expect(explainedVariance(Float32Array.of(1, 2), Float32Array.of(1, 2))).toBe(1);
  expect(explainedVariance(Float32Array.of(1, 1), Float32Array.of(1, 2))).toBe(0);
});
