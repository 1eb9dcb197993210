// EGPO and Nash-MP: steps of two halves from one start. On a table of three completions the same steps are computed in
// float64, with exact gradients.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, type Params, type PreferenceFn, rng, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import {
  memory,
  mul,
  type Scalar,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
} from '@tensorflow/tfjs-core';
import {
  dualityGap,
  egpoLoss,
  type NashMdOptions,
  NashMdTrainer,
  preferenceGames,
  regularizedGame,
  tokenTable,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const table = tokenTable({ vocabulary: 3, length: 1 });
const skewed = [0.7, 0.2, 0.1];
const P = preferenceGames.cyclic(1);
const [tau, rate] = [0.02, 4];
const game = regularizedGame(P, tau, skewed);
const cyclic: PreferenceFn = (_, a, b) => a.map((x, i) => P.p[Number(x) * 3 + Number(b[i])] as number);

const options = (o: Partial<NashMdOptions> = {}): NashMdOptions => ({
  policy: table,
  params: table.params(skewed.map(Math.log)),
  codec: table.codec,
  prompts: Array.from({ length: 64 }, (_, i) => String(i)),
  preference: cyclic,
  orders: 'one',
  klCoef: tau,
  maxNewTokens: 1,
  batchSize: 2048,
  samplesPerPrompt: 32,
  tournament: true,
  learningRate: o.objective === 'egpo' ? (rate * tau) / 4 : rate, // its loss is 4/τ times as steep
  optimizer: { name: 'sgd' },
  seed: 3,
  ...o,
});

const distribution = (z: readonly number[]): number[] => {
  const e = z.map(Math.exp);
  const total = e.reduce((a, b) => a + b);
  return e.map((x) => x / total);
};
const policyOf = (params: Params): Float64Array =>
  Float64Array.from(softmax(params.logits as Tensor).dataSync<'float32'>());
const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (x, i) => Math.abs(x - (b[i] as number))));

/** One step along the gradient of P(π ≻ q) − τ KL(π‖μ) − w KL(π‖before). */
function ascend(z: readonly number[], q: readonly number[], w: number, before: readonly number[]): number[] {
  const p = distribution(z);
  const values = p.map(
    (x, i) =>
      q.reduce((t, y, j) => t + y * (P.p[i * 3 + j] as number), 0) -
      tau * Math.log(x / (skewed[i] as number)) -
      w * Math.log(x / (before[i] as number)),
  );
  const mean = values.reduce((t, a, i) => t + a * (p[i] as number), 0);
  return z.map((x, i) => x + rate * (p[i] as number) * ((values[i] as number) - mean));
}

/** π after some steps of two halves of `inner` updates each. */
function exactly(steps: number, inner = 1, w = 0): number[] {
  let z: number[] = skewed.map(Math.log);
  for (let t = 0; t < steps; t++) {
    const [start, before] = [z, distribution(z)];
    let q = before;
    for (const _half of [1, 2]) {
      z = start;
      for (let i = 0; i < inner; i++) z = ascend(z, q, w, before);
      q = distribution(z);
    }
  }
  return distribution(z);
}

async function trained(o: Partial<NashMdOptions>, steps: number): Promise<Float64Array> {
  using trainer = new NashMdTrainer(options(o));
  await trainer.run({ steps });
  return policyOf(trainer.params);
}

test('the expected gradient of EGPO’s loss is −4/τ that of the game against q', () => {
  const policy = tokenTable({ vocabulary: 3, length: 2 });
  const stream = rng(4);
  const draw = (): Float64Array =>
    Float64Array.from({ length: policy.prefixes * 3 }, () => Math.fround(stream.normal()));
  const [z, m] = [draw(), draw()];
  const n = policy.completions.length;
  const wins = Float64Array.from({ length: n }, () => Math.fround(stream.uniform()));
  const reference = policy.logProbabilities(m);
  const value = (x: Float64Array): number =>
    policy
      .logProbabilities(x)
      .reduce((t, l, y) => t + Math.exp(l) * ((wins[y] as number) - 0.7 * (l - (reference[y] as number))), 0);
  const wanted = z.map((x, i) => {
    const [up, down] = [z.slice(), z.slice()];
    up[i] = x + 1e-5;
    down[i] = x - 1e-5;
    return ((-4 / 0.7) * (value(up) - value(down))) / 2e-5;
  });
  // all pairs, weighed with how likely they are
  const pi = policy.logProbabilities(z).map(Math.exp);
  const pairs = Array.from({ length: n * n }, (_, k): [number, number] => [Math.floor(k / n), k % n]);
  const of = (x: Float64Array): Tensor1D => tensor1d(pairs.map(([i, j]) => (x[i] as number) - (x[j] as number)));
  const params = policy.params(z);
  const batch = (at: 0 | 1) => ({
    ids: Int32Array.from(pairs.flatMap((pair) => policy.completions[pair[at]] as number[])),
    width: 2,
    lengths: new Int32Array(n * n).fill(2),
  });
  const prompts = { ids: new Int32Array(n * n), width: 1, lengths: new Int32Array(n * n).fill(1) };
  const { value: loss, grads } = valueAndGrad((p: Params): Scalar => {
    const log = (at: 0 | 1): Tensor1D => sum(policy.logProbs(p, prompts, batch(at)), 1);
    const h = sub<Tensor1D>(sub(log(0), log(1)), of(reference));
    const weights = tensor1d(pairs.map(([i, j]) => (pi[i] as number) * (pi[j] as number)));
    return sum(mul(weights, egpoLoss(h, of(wins), 0.7)));
  })(params);
  const got = (grads.logits as Tensor).dataSync();
  const error = Math.hypot(...wanted.map((x, i) => x - (got[i] as number))) / Math.hypot(...wanted);
  expect(error).toBeLessThan(1e-5);
  loss.dispose();
  for (const tree of [params, grads]) disposeTree(tree);
});

test.each([
  ['egpo', 1, 0],
  ['egpo', 3, 0],
  ['nash-mp', 4, 0.5],
] as const)('%s with %d updates a half takes the steps of its exact form', async (objective, innerSteps, w) => {
  const o = { objective, innerSteps, ...(w > 0 && { inverseStep: w }) };
  const steps = innerSteps === 1 ? 5 : 2;
  const policy = await trained(o, 2 * innerSteps * steps);
  expect(apart(policy, exactly(steps, innerSteps, w))).toBeLessThan(0.05);
  // as many updates without going back end elsewhere
  let z: number[] = skewed.map(Math.log);
  for (let t = 0; t < 2 * innerSteps * steps; t++) z = ascend(z, distribution(z), 0, skewed);
  expect(apart(policy, distribution(z))).toBeGreaterThan(0.2);
});

test('where self-play circles, steps in halves come to the equilibrium', async () => {
  const small = { batchSize: 256, samplesPerPrompt: 16 };
  const gapOf = async (o: Partial<NashMdOptions>, steps: number): Promise<number> =>
    dualityGap(game, await trained({ ...small, ...o }, steps));
  expect(await gapOf({ opponent: { kind: 'mixture', mixtureCoef: 0 } }, 60)).toBeGreaterThan(0.2);
  expect(await gapOf({ objective: 'egpo' }, 160)).toBeLessThan(0.1);
  expect(await gapOf({ objective: 'nash-mp', inverseStep: 0.5 }, 200)).toBeLessThan(0.1);
});

test('the second half starts where the first did, the optimiser too, and tensors stay level', async () => {
  // no step in second halves: whatever the first did, the parameters and Adam’s moments are those of the start
  const o = { batchSize: 16, samplesPerPrompt: 1, tournament: false, optimizer: { name: 'adam' as const } };
  const learningRate = (step: number): number => (step % 2 === 0 ? 0.5 : 0);
  using trainer = new NashMdTrainer(options({ ...o, objective: 'egpo', learningRate }));
  const before = policyOf(trainer.params);
  await trainer.run({ steps: 1 });
  expect(apart(policyOf(trainer.params), before)).toBeGreaterThan(0.05);
  await trainer.run({ steps: 2 });
  expect(apart(policyOf(trainer.params), before)).toBe(0);
  const { numTensors } = memory();
  await trainer.run({ steps: 12 });
  expect(memory().numTensors).toBe(numTensors);
});

test.each(['egpo', 'nash-mp'] as const)(
  '%s, resumed in either half, goes on as if never stopped',
  async (objective) => {
    const dir = await mkdtemp(join(tmpdir(), 'two-halves-'));
    const o = options({ objective, batchSize: 8, samplesPerPrompt: 1, tournament: false, optimizer: { name: 'adam' } });
    using whole = new NashMdTrainer({ ...o, innerSteps: 2 });
    await whole.run({ steps: 9 });
    for (const at of [1, 2, 3, 4]) {
      using first = new NashMdTrainer({ ...o, innerSteps: 2 });
      await first.run({ steps: at });
      await first.save(join(dir, String(at)));
      using second = await NashMdTrainer.resume(join(dir, String(at)), { ...o, innerSteps: 2 });
      await second.run({ steps: 9 });
      expect(apart(policyOf(second.params), policyOf(whole.params))).toBe(0);
    }
    await rm(dir, { recursive: true });
  },
);

test('an opponent that was moved for a step stays moved when the sampling is stopped', async () => {
  for (const o of [{ objective: 'egpo' as const }, { opponent: { kind: 'ema' as const, decay: 0.5 } }]) {
    const small = { ...o, batchSize: 8, samplesPerPrompt: 1, tournament: false };
    using whole = new NashMdTrainer(options(small));
    await whole.run({ steps: 5 });
    const control = new AbortController();
    let asked = 0;
    const preference: PreferenceFn = (p, a, b, rows) => {
      // after the third step's completions were drawn
      if (++asked === 4) control.abort();
      return cyclic(p, a, b, rows);
    };
    using stopped = new NashMdTrainer(options({ ...small, preference }));
    await stopped.run({ steps: 5, signal: control.signal });
    expect(stopped.step).toBeLessThan(5);
    await stopped.run({ steps: 5 });
    expect(apart(policyOf(stopped.params), policyOf(whole.params))).toBe(0);
  }
});

test('options that do not go together are refused', () => {
  const of =
    (o: Partial<NashMdOptions>): (() => unknown) =>
    () =>
      new NashMdTrainer(options(o));
  expect(of({ objective: 'nash-mp', klEstimator: 'analytic' })).toThrow('klEstimator: nash-mp has two divergences');
  expect(of({ objective: 'egpo', opponent: { kind: 'ema', decay: 0.5 } })).toThrow('the policy’s own completions');
});
