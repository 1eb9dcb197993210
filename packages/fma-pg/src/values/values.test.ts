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

test('V-trace with λ, by hand: ρ̄ up to its bound, c up to 1, and advantages with and without ρ̄', () => {
  const b = trajectory(0, 1);
  const [ratios, o] = [Float32Array.of(0, Math.log(0.5), Math.log(3)), { gamma: 0.9, lambda: 0.5, rhoMax: 2 }];
  // δ = ½, ½, 5 (values 5, rewards 1, 10 at the end). Step 2: ρ̄ = 2: v − V = 10, A = 5
  // step 1: ρ̄ = c = ½: A = ½ + .45·10 = 5; v − V = ½·½ + ½·.45·10 = 2.5
  // step 0: ρ̄ = c = 1: A = ½ + .45·2.5 = 1.625 = v − V
  const bare = vtrace(b, ratios, { ...o, weighted: false });
  expect([...bare.advantages]).toEqual(near([1.625, 5, 5]));
  expect([...bare.returns]).toEqual(near([6.625, 7.5, 15]));
  const weighted = vtrace(b, ratios, o);
  expect([...weighted.advantages]).toEqual(near([1.625, 2.5, 10]));
  expect(weighted.returns).toEqual(bare.returns);
  // c is bounded by 1 whatever ρMax is. Ratios 3, 3, 3: step 1: v − V = 2·½ + .45·10 = 5.5; step 0: 1 + .45·5.5
  const large = vtrace(b, new Float32Array(3).fill(Math.log(3)), { ...o, weighted: false });
  expect([...large.returns]).toEqual(near([5 + 3.475, 10.5, 15]));
  // where ratios are 1, all is GAE's
  const [own, same] = [gae(b, o), vtrace(b, new Float32Array(3), o)];
  expect([...same.advantages]).toEqual(near([...own.advantages]));
  expect([...same.returns]).toEqual(near([...own.returns]));
});

test('what is not finite is named where it counts: final values at time limits, log-ratios, advantages', () => {
  const [b, o] = [trajectory(0, 1), { gamma: 0.9, lambda: 1 }];
  const last = Float32Array.of(0, 0, Number.NaN);
  for (const estimate of [
    () => gae({ ...b, finalValues: last }, o),
    () => vtrace({ ...b, finalValues: last }, last, o),
  ])
    expect(estimate).toThrow(expect.objectContaining({ code: 'ERR_NUMERICAL' }));
  expect(() => gae({ ...b, finalValues: last }, o)).toThrow('gae, step 2, copy 0: finalValues is not finite; got NaN');
  // elsewhere nobody looks at them
  const others = Float32Array.of(Number.NaN, Number.NaN, 10);
  expect(gae({ ...b, finalValues: others }, o)).toEqual(gae(b, o));
  expect(() => gae({ ...trajectory(1, 1), finalValues: last }, o)).not.toThrow();
  for (const [x, name] of [
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ] as const) {
    const message = `is not finite; got ${name}`;
    expect(() => vtrace(b, Float32Array.of(0, x, 0), o)).toThrow(`vtrace, step 1, copy 0: the log-ratio ${message}`);
    const entry = `normalizeAdvantages, entry 1: the advantage ${message}`;
    expect(() => normalizeAdvantages(Float32Array.of(0, x, 0))).toThrow(entry);
  }
});

test('advantages alone and equal ones do not become NaN', () => {
  expect([...normalizeAdvantages(Float32Array.of(7))]).toEqual([7]);
  expect([...normalizeAdvantages(Float32Array.of(3, 3, 3))]).toEqual([0, 0, 0]);
  expect([...normalizeAdvantages(Float32Array.of(1, 3))]).toEqual(near([-Math.SQRT1_2, Math.SQRT1_2]));
  expect(explainedVariance(Float32Array.of(1, 2), Float32Array.of(1, 2))).toBe(1);
  expect(explainedVariance(Float32Array.of(1, 1), Float32Array.of(1, 2))).toBe(0);
});

test('flags may be booleans, and are nothing else', () => {
  const flags = (terminated: unknown) => ({
    numEnvs: 1,
    rewards: Float32Array.of(1, 1),
    values: new Float32Array(2),
    lastValues: new Float32Array(1),
    finalValues: new Float32Array(2),
    terminated: terminated as Uint8Array,
    truncated: new Uint8Array(2),
  });
  // the first step ends: nothing of the second counts in it
  expect([...gae(flags([true, false]), { gamma: 0.9, lambda: 0.9 }).advantages]).toEqual([1, 1]);
  expect(() => gae(flags([2, 0]), { gamma: 0.9, lambda: 0.9 })).toThrow(
    'gae, step 0, copy 0: terminated is no flag; got 2, wanted 0 or 1',
  );
});
