// Nash-MD on tables that are language models: where it goes is known in closed form.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, type Params, type PreferenceFn, rng, type TextCodec, useBackend } from '@gimbal/tensor-core';
import { memory, softmax, type Tensor } from '@tensorflow/tfjs-core';
import {
  dualityGap,
  klDivergence,
  mixtureFixedPoint,
  type NashMdOptions,
  type NashMdStep,
  NashMdTrainer,
  type Objective,
  preferenceGames,
  regularizedGame,
  solveExact,
  tokenTable,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const table = tokenTable({ vocabulary: 3, length: 1 });
const skewed = [0.7, 0.2, 0.1];
const P = preferenceGames.cyclic(1);
const tau = 0.2;
const game = regularizedGame(P, tau, skewed);

/** P of the cyclic game, the completions are the numbers of the responses */
const cyclic: PreferenceFn = (_, a, b) => a.map((x, i) => P.p[Number(x) * 3 + Number(b[i])] as number);

const options = (o: Partial<NashMdOptions> = {}): NashMdOptions => ({
  policy: table,
  params: table.params(skewed.map(Math.log)),
  codec: table.codec,
  prompts: ['a', 'b', 'c'],
  preference: cyclic,
  ...(o.objective !== 'sppo' && o.objective !== 'dno' && { klCoef: tau }),
  maxNewTokens: 1,
  batchSize: 64,
  learningRate: (step) => 0.15 / (1 + step / 20),
  optimizer: { name: 'adam' },
  seed: 3,
  ...o,
});

const policyOf = (params: Params): Float64Array =>
  Float64Array.from(softmax(params.logits as Tensor).dataSync<'float32'>());

async function trained(o: Partial<NashMdOptions>, steps = 100): Promise<Float64Array> {
  using trainer = new NashMdTrainer(options(o));
  let mean = new Float64Array(3);
  for await (const { step } of trainer.train({ steps }))
    if (step > steps - 30) mean = mean.map((x, i) => x + (policyOf(trainer.params)[i] as number) / 30);
  return mean;
}

const exact = solveExact(game).policy;

test.each([
  ['self-play', { opponent: { kind: 'mixture', mixtureCoef: 0 } }, exact],
  ['Nash-MD with β .375', { opponent: { kind: 'mixture', mixtureCoef: 0.375 } }, mixtureFixedPoint(game, 0.375)],
  ['the best response to the reference', { opponent: { kind: 'mixture', mixtureCoef: 1 } }, mixtureFixedPoint(game, 1)],
  ['an average that never moves', { opponent: { kind: 'ema', decay: 1 } }, mixtureFixedPoint(game, 1)],
  ['an average of the last two', { opponent: { kind: 'ema', decay: 0.5 } }, exact],
  [
    'the anchored average at β 1',
    { opponent: { kind: 'ema', decay: 1, form: 'anchored' } },
    mixtureFixedPoint(game, 1),
  ],
  ['the analytic divergence', { opponent: { kind: 'mixture', mixtureCoef: 0 }, klEstimator: 'analytic' }, exact],
  ['a tournament', { opponent: { kind: 'mixture', mixtureCoef: 0 }, samplesPerPrompt: 4, tournament: true }, exact],
  ['both sides of self-play', { opponent: { kind: 'mixture', mixtureCoef: 0 }, contrastive: true }, exact],
  ['several steps against one opponent', { opponent: { kind: 'mixture', mixtureCoef: 0 }, innerSteps: 3 }, exact],
  ['online IPO', { objective: 'online-ipo' }, exact],
  [
    'IPO-MD',
    { objective: 'ipo-md', opponent: { kind: 'mixture', mixtureCoef: 0.375 } },
    mixtureFixedPoint(game, 0.375),
  ],
] as [string, Partial<NashMdOptions>, Float64Array][])('%s goes where it should', async (_, o, wanted) => {
  const policy = await trained(o);
  expect(klDivergence(wanted, policy)).toBeLessThan(0.03);
  expect(klDivergence(wanted, Float64Array.from(skewed))).toBeGreaterThan(0.09);
});

test.each(['sppo', 'dno', 'inpo'] as const)(
  '%s: many steps on one set of completions are a step of multiplicative weights',
  async (objective) => {
    const o = { samplesPerPrompt: 16, batchSize: 768, innerSteps: 60, inverseStep: 0.5 };
    const policy = await trained({ ...o, objective, tournament: objective !== 'inpo', learningRate: 0.05 }, 60);
    // μ exp(η (P(y ≻ μ) − ½)), normalised; SPPO's is so up to the square of the step
    const raw = skewed.map(
      (m, i) => m * Math.exp(2 * skewed.reduce((s, q, j) => s + q * ((P.p[i * 3 + j] as number) - 0.5), 0)),
    );
    const total = raw.reduce((s, x) => s + x, 0);
    const wanted = Float64Array.from(raw, (x) => x / total);
    expect(klDivergence(wanted, policy)).toBeLessThan(0.003);
    expect(klDivergence(wanted, Float64Array.from(skewed))).toBeGreaterThan(0.04);
  },
);

test('over rounds INPO comes closer to the equilibrium; SPPO and DNO leave the reference for what beats it', async () => {
  const inpo = await trained({ objective: 'inpo', innerSteps: 10 });
  expect(dualityGap(game, inpo)).toBeLessThan(0.03);
  expect(dualityGap(game, Float64Array.from(skewed))).toBeGreaterThan(0.1);
  // the third response beats the first, which the reference prefers; the second loses to it
  for (const objective of ['sppo', 'dno'] as const) {
    const policy = await trained({ objective, inverseStep: 1, innerSteps: 4 }, 30);
    expect(policy[0]).toBeLessThan(0.6);
    expect(policy[1]).toBeLessThan(0.2);
    expect(policy[2]).toBeGreaterThan(0.3);
  }
});

test('with deploy mixture it is the mixture that is the equilibrium', async () => {
  using trainer = new NashMdTrainer(options({ opponent: { kind: 'mixture', mixtureCoef: 0.375 }, deploy: 'mixture' }));
  const last = await trainer.run({ steps: 100 });
  expect(last?.klCoef).toBeCloseTo(0.625 * tau, 6);
  const { policy, params } = trainer.deployable();
  const one = { ids: Int32Array.of(0, 1, 2), width: 1, lengths: Int32Array.of(1, 1, 1) };
  const mixture = Float64Array.from(policy.logProbs(params, one, one).dataSync<'float32'>(), Math.exp);
  expect(klDivergence(exact, mixture)).toBeLessThan(0.03);
});

const collected = async (t: NashMdTrainer, steps: number): Promise<NashMdStep[]> => {
  const all: NashMdStep[] = [];
  for await (const s of t.train({ steps })) all.push(s);
  return all;
};
const comparable = (steps: readonly NashMdStep[]): unknown[] =>
  steps.map(({ step, loss, winRate, kl, entropy, gradNorm }) => ({ step, loss, winRate, kl, entropy, gradNorm }));

describe('a run', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nash-md-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  test.each([
    ['mixture', {}],
    ['ema', { opponent: { kind: 'ema', decay: 0.7 } }],
    ['frozen', { innerSteps: 4 }],
    ['pairs kept between two updates', { objective: 'inpo', innerSteps: 4 }],
  ] as [string, Partial<NashMdOptions>][])(
    '%s: resumed, its next steps are those of the run never stopped',
    async (name, o) => {
      const small = { ...o, batchSize: 8 };
      using whole = new NashMdTrainer(options(small));
      const all = await collected(whole, 6);
      using first = new NashMdTrainer(options(small));
      await collected(first, 3);
      await first.save(join(dir, name));
      using second = await NashMdTrainer.resume(join(dir, name), options(small));
      expect(comparable(await collected(second, 6))).toEqual(comparable(all.slice(3)));
      await expect(NashMdTrainer.resume(join(dir, name), options({ ...small, maxNewTokens: 2 }))).rejects.toThrow(
        'maxNewTokens',
      );
    },
  );

  test('a preference that fails for good ends it, saved; asked again it goes on', async () => {
    let calls = 0;
    let broken = false;
    const preference: PreferenceFn = (p, a, b, r) => {
      calls++;
      if (broken) throw new Error('no answer');
      return cyclic(p, a, b, r);
    };
    const o = options({ preference, batchSize: 8, out: join(dir, 'judge') });
    using trainer = new NashMdTrainer(o);
    await collected(trainer, 2);
    broken = true;
    calls = 0;
    await expect(collected(trainer, 4)).rejects.toThrow('preference: the function threw at each of 3 tries: no answer');
    expect(calls).toBe(3);
    expect(trainer.step).toBe(2);
    broken = false;
    using again = await NashMdTrainer.resume(join(dir, 'judge'), o);
    expect((await collected(again, 4)).map(({ step }) => step)).toEqual([3, 4]);
  });
});

test('micro-batches make no difference, and tensors stay level', async () => {
  const o = { learningRate: 0.1 };
  using big = new NashMdTrainer(options({ ...o, batchSize: 48 }));
  using small = new NashMdTrainer(options({ ...o, batchSize: 12, accumulate: 4 }));
  const [a, b] = [await big.run({ steps: 3 }), await small.run({ steps: 3 })];
  expect(b?.loss as number).toBeCloseTo(a?.loss as number, 5);
  expect(b?.gradNorm as number).toBeCloseTo(a?.gradNorm as number, 5);
  expect(b?.winRate as number).toBeCloseTo(a?.winRate as number, 5);
  for (const o of [{}, { objective: 'inpo' as const }, { opponent: { kind: 'ema' as const, decay: 0.5 } }]) {
    using trainer = new NashMdTrainer(options({ batchSize: 4, ...o }));
    await trainer.run({ steps: 2 });
    const before = memory().numTensors;
    await trainer.run({ steps: 20 });
    expect(memory().numTensors).toBe(before);
  }
});

test('completions that never end: trained ids are those sampled, and their log-probabilities are recomputed equal', async () => {
  const long = tokenTable({ vocabulary: 4, length: 5 });
  const z = Float64Array.from({ length: long.prefixes * 4 }, (_, i) => rng(1).split(i).normal());
  using trainer = new NashMdTrainer(
    options({
      policy: long,
      params: long.params(z),
      codec: long.codec,
      preference: () => new Array(8).fill(0.5),
      orders: 'one',
      maxNewTokens: 5,
      batchSize: 8,
    }),
  );
  const last = await trainer.run({ steps: 1 });
  expect(last?.length).toBe(5);
  expect(last?.kl).toBeCloseTo(0, 5); // log π was computed by the loss, log μ before it
  for (const { completion } of last?.samples ?? []) expect(completion.split(' ')).toHaveLength(5);
});

test.each([
  ['policy-gradient', {}],
  ['policy-gradient', { klEstimator: 'analytic' }],
  ['policy-gradient', { klEstimator: 'token-local' }],
  ['nash-mp', { innerSteps: 2 }],
] as [Objective, Partial<NashMdOptions>][])(
  'the loss of %s with %j is the objective, estimated',
  async (objective, o) => {
    const reference = table.params([0, 0, 0]);
    using trainer = new NashMdTrainer(options({ objective, reference, batchSize: 2000, ...o }));
    const first = await trainer.run({ steps: 1 });
    // KL(skewed ‖ uniform) = log 3 − H(skewed) = .2968; at π_t itself the divergence from it is 0
    const kl = Math.log(3) + skewed.reduce((s, p) => s + p * Math.log(p), 0);
    expect(kl).toBeCloseTo(0.2968, 4);
    const wanted = 0.5 - (first?.winRate as number) + tau * kl;
    expect(Math.abs((first?.loss as number) - wanted)).toBeLessThan(o.klEstimator === 'analytic' ? 1e-5 : 0.01);
    if (o.klEstimator !== 'analytic' && objective === 'policy-gradient')
      expect(first?.loss).toBeCloseTo(0.5 - (first?.winRate as number) + tau * (first?.kl as number), 5);
    disposeTree(reference);
  },
);

test('a preference for whoever comes first: both orders give ½ and the bias is told', async () => {
  const first: PreferenceFn = (_, a) => a.map(() => 0.9);
  using auto = new NashMdTrainer(options({ preference: first, batchSize: 8 }));
  const steps = await collected(auto, 3);
  for (const { winRate, orderBias } of steps) {
    expect(winRate).toBeCloseTo(0.5, 6);
    expect(orderBias).toBeCloseTo(0.8, 6);
  }
  using fair = new NashMdTrainer(options({ batchSize: 8 }));
  expect((await collected(fair, 3)).map(({ orderBias }) => orderBias)).toEqual([0, undefined, undefined]);
  using one = new NashMdTrainer(options({ preference: first, orders: 'one', batchSize: 8 }));
  expect((await collected(one, 1))[0]?.winRate).toBeCloseTo(0.9, 6);
});

test('a signal stops between two steps, or within the sampling', async () => {
  const control = new AbortController();
  using trainer = new NashMdTrainer(options({ batchSize: 4 }));
  for await (const { step } of trainer.train({ steps: 10, signal: control.signal })) if (step === 2) control.abort();
  expect(trainer.step).toBe(2);
  expect(trainer.stopReason).toBe('signal');
});

test('schedules of the coefficients are followed', async () => {
  using trainer = new NashMdTrainer(
    options({
      batchSize: 4,
      klCoef: (step) => 0.1 * (step + 1),
      opponent: { kind: 'mixture', mixtureCoef: (step) => step / 4 },
    }),
  );
  const steps = await collected(trainer, 3);
  expect(steps.map(({ klCoef }) => klCoef)).toEqual([0.1, 0.2, 0.3].map((x) => expect.closeTo(x, 6)));
  expect(steps.map(({ mixtureCoef }) => mixtureCoef)).toEqual([0, 0.25, 0.5]);
});

test('a schedule that leaves its range stops the run there', async () => {
  using tau = new NashMdTrainer(options({ batchSize: 4, klCoef: (step) => (step < 2 ? 0.1 : -0.1) }));
  await expect(collected(tau, 4)).rejects.toThrow('klCoef: out of range; got -0.1, wanted a finite number ≥ 0');
  expect(tau.step).toBe(2);
  using inverse = new NashMdTrainer(
    options({ batchSize: 4, objective: 'sppo', inverseStep: (step) => (step < 1 ? 1 : Number.NaN) }),
  );
  await expect(collected(inverse, 4)).rejects.toThrow('inverseStep: out of range; got NaN');
});

test('a fixed opponent answers with tokens of its own', async () => {
  // its tokens are written in capitals, and it always says the third
  const codec: TextCodec = {
    encode: table.codec.encode,
    decode: ({ ids }) => Array.from(ids, (id) => 'ABC'[id] as string),
  };
  const contestant = { policy: table, params: table.params([-30, -30, 0]), codec };
  const asked: string[] = [];
  const preference: PreferenceFn = (_, a, b) => {
    asked.push(...b);
    return a.map(() => 0.5);
  };
  using trainer = new NashMdTrainer(
    options({ opponent: { kind: 'fixed', contestant }, preference, orders: 'one', batchSize: 4 }),
  );
  await trainer.run({ steps: 1 });
  expect(asked).toEqual(['C', 'C', 'C', 'C']);
  expect(() => trainer.deployable('mixture')).toThrow(
    'deployable: only the mixture opponent is a mixture; got "fixed"',
  );
  disposeTree(contestant.params);
});

test.each(['policy-gradient', 'online-ipo', 'sppo'] as const)(
  'a schedule of %s that leaves its range later ends the run by name, not in silence',
  async (objective) => {
    const bad = objective === 'sppo' ? 'inverseStep' : 'klCoef';
    const schedule = (step: number): number => (step === 2 ? -1 : 1);
    using trainer = new NashMdTrainer(options({ objective, [bad]: schedule, batchSize: 2 }));
    await expect(trainer.run({ steps: 4 })).rejects.toThrow(`${bad}: out of range; got -1`);
    expect(trainer.step).toBe(2);
  },
);
