// Parts of the trainer one by one: online DPO, the penalty of cut completions, the averaged opponent, what stays allocated.
import { disposeTree, type Params, type PreferenceFn, rng, useBackend } from '@gimbal/tensor-core';
import { memory, softmax, type Tensor } from '@tensorflow/tfjs-core';
import {
  klDivergence,
  type NashMdOptions,
  type NashMdStep,
  NashMdTrainer,
  type PreferenceMatrix,
  preferenceGames,
  preferenceMatrix,
  regularizedGame,
  solveExact,
  type TokenTable,
  tilt,
  tokenTable,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const table = tokenTable({ vocabulary: 3, length: 1 });
const even: PreferenceFn = (_, a) => a.map(() => 0.5);

/** A table that starts at `logits`; by default its reference too. */
const options = (policy: TokenTable, logits: ArrayLike<number>, o: Partial<NashMdOptions>): NashMdOptions => ({
  policy,
  params: policy.params(logits),
  codec: policy.codec,
  prompts: ['a'],
  preference: even,
  orders: 'one',
  opponent: { kind: 'mixture', mixtureCoef: 0 },
  maxNewTokens: 8,
  batchSize: 64,
  learningRate: (step) => 0.15 / (1 + step / 20),
  optimizer: { name: 'adam' },
  seed: 3,
  ...o,
});

const policyOf = (params: Params): Float64Array =>
  Float64Array.from(softmax(params.logits as Tensor).dataSync<'float32'>());

const stepsOf = async (trainer: NashMdTrainer, steps: number): Promise<NashMdStep[]> => {
  const all: NashMdStep[] = [];
  for await (const step of trainer.train({ steps })) all.push(step);
  return all;
};

describe('online DPO', () => {
  const tau = 0.5;
  /** where it goes from μ, under a preference between the numbers of the responses */
  async function trained(P: PreferenceMatrix, mu: readonly number[], start = mu): Promise<Float64Array> {
    const preference: PreferenceFn = (_, a, b) => a.map((x, i) => P.p[Number(x) * P.n + Number(b[i])] as number);
    const policy = tokenTable({ vocabulary: P.n, length: 1 });
    const reference = policy.params(mu.map(Math.log));
    const o = { objective: 'online-dpo', klCoef: tau, preference, reference } as const;
    using trainer = new NashMdTrainer(options(policy, start.map(Math.log), o));
    let mean = new Float64Array(P.n);
    for await (const { step } of trainer.train({ steps: 60 }))
      if (step > 45) mean = mean.map((x, i) => x + (policyOf(trainer.params)[i] as number) / 15);
    disposeTree(reference);
    return mean;
  }

  test('under Bradley–Terry it goes to the optimum of reward learning, not to the equilibrium', async () => {
    const mu = [0.7, 0.2, 0.1];
    const rewards = Float64Array.of(0, 0.5, 1);
    const P = preferenceGames.bradleyTerry(rewards);
    const wanted = tilt(Float64Array.from(mu), rewards, tau); // .353 .274 .373
    const equilibrium = solveExact(regularizedGame(P, tau, mu)).policy; // .630 .229 .141
    const policy = await trained(P, mu);
    expect(klDivergence(wanted, policy)).toBeLessThan(0.01);
    expect(klDivergence(equilibrium, policy)).toBeGreaterThan(0.1);
  });

  test.each([
    // log π₁/π₂ − log μ₁/μ₂: log(P/(1 − P))/τ = 2.77, of the equilibrium (P − ½)/τ = .6
    [0.8, Math.log(4) / tau, 0.3 / tau],
    [0.5, 0, 0],
  ])('of two responses, P = %d: it is the equilibrium only where neither is preferred', async (p, wanted, nash) => {
    const mu = [0.3, 0.7];
    const P = preferenceMatrix([
      [0.5, p],
      [1 - p, 0.5],
    ]);
    const game = regularizedGame(P, tau, mu);
    const logRatio = ([a, b]: ArrayLike<number> & Iterable<number>): number =>
      Math.log((a as number) / (b as number)) - Math.log(3 / 7);
    expect(logRatio(solveExact(game).policy)).toBeCloseTo(nash, 10);
    expect(Math.abs(logRatio(await trained(P, mu, [0.6, 0.4])) - wanted)).toBeLessThan(0.15);
  });

  test.each(['sigmoid', 'hinge', 'sigmoid-norm', 'ipo'] as const)(
    'the loss of %s by hand, on completions of several lengths',
    async (dpoLoss) => {
      const policy = tokenTable({ vocabulary: 3, length: 4, eos: 2 });
      const [z, m] = [1, 2].map((seed) => {
        const stream = rng(seed);
        return Float64Array.from({ length: policy.prefixes * 3 }, () => Math.fround(stream.normal()));
      }) as [Float64Array, Float64Array];
      const reference = policy.params(m);
      const preference: PreferenceFn = () => [0.9, 0.2, 1, 0.4];
      const o = { objective: 'online-dpo', klCoef: tau, dpoLoss, preference, reference, batchSize: 4 } as const;
      using trainer = new NashMdTrainer(options(policy, z, o));
      const [first] = await stepsOf(trainer, 1);
      disposeTree(reference);
      const rowOf = (logits: Float64Array, prefix: number[], token: number): number => {
        const row = logits.subarray(policy.prefixOf(prefix) * 3).subarray(0, 3);
        return (row[token] as number) - Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
      };
      const lengths = new Set<number>();
      // log π/μ of a completion, its end with it; per token where the loss is of that
      const ratio = (text: string): number => {
        const ids = text.split(' ').map(Number);
        lengths.add(ids.length);
        const each = ids.map((id, t) => rowOf(z, ids.slice(0, t), id) - rowOf(m, ids.slice(0, t), id));
        const whole = each.reduce((a, b) => a + b);
        return dpoLoss === 'ipo' || dpoLoss === 'sigmoid-norm' ? whole / ids.length : whole;
      };
      const loss = (h: number): number => {
        if (dpoLoss === 'ipo') return (h - 1 / (2 * tau)) ** 2;
        return dpoLoss === 'hinge' ? Math.max(0, 1 - tau * h) : Math.log1p(Math.exp(-tau * h));
      };
      const pairs = first?.samples.map(({ completion, other, preference: p }) => {
        const h = ratio(completion) - ratio(other);
        return p * loss(h) + (1 - p) * loss(-h);
      }) as number[];
      expect(lengths.size).toBeGreaterThan(2);
      expect(first?.loss).toBeCloseTo(pairs.reduce((a, b) => a + b) / 4, 5);
    },
  );
});

describe('completions that are cut', () => {
  // two tokens, of which the third of three ends: μ is uniform, so 4/9 of its completions are cut
  const policy = tokenTable({ vocabulary: 3, length: 2, eos: 2 });
  const tau = 0.2;
  const of = (o: Partial<NashMdOptions>): NashMdTrainer =>
    new NashMdTrainer(options(policy, new Float64Array(policy.prefixes * 3), { klCoef: tau, maxNewTokens: 2, ...o }));

  test('eosRate is the share that ended by itself', async () => {
    using trainer = of({ batchSize: 4 });
    const rates = new Set<number>();
    for (const { eosRate, samples } of await stepsOf(trainer, 6)) {
      expect(eosRate).toBe(samples.filter(({ completion }) => completion.endsWith('2')).length / 4);
      rates.add(eosRate);
    }
    expect(rates.size).toBeGreaterThan(2);
  });

  test('a cut one’s advantage falls by the penalty, and the policy goes where that leads', async () => {
    using plain = of({});
    using other = of({ missingEos: { penalty: 0.3 } });
    const [before] = await stepsOf(plain, 1);
    const steps = await stepsOf(other, 45);
    // the same completions; the loss is minus the mean advantage, with the divergence
    expect(steps[0]?.eosRate).toBe(before?.eosRate);
    const fallen = 0.3 * (1 - (before?.eosRate as number));
    expect((steps[0]?.loss as number) - (before?.loss as number)).toBeCloseTo(fallen, 6);
    // nothing else is to be won, so π ∝ μ exp(−.3/τ) for the cut ones: .151 of them are left of .444
    const weight = (4 / 9) * Math.exp(-0.3 / tau);
    const late = steps.slice(-20).reduce((sum, { eosRate }) => sum + eosRate / 20, 0);
    expect(Math.abs(1 - late - weight / (weight + 5 / 9))).toBeLessThan(0.03);
  });
});

test('average is the averaged opponent, which follows the policy a step behind; of other opponents there is none', async () => {
  const start = [1, 0, -1];
  using trainer = new NashMdTrainer(
    options(table, start, {
      batchSize: 8,
      opponent: { kind: 'ema', decay: 0.75 },
      preference: (_, a) => a.map((x) => Number(x) / 2),
    }),
  );
  const logits = (tree = {} as Params): number[] => [...(tree.logits as Tensor).dataSync()];
  // θ̄ ← .75 θ̄ + .25 θ before each step but the first
  let wanted = start;
  expect(logits(trainer.average)).toEqual(wanted);
  for (let steps = 1; steps <= 4; steps++) {
    const now = logits(trainer.params);
    if (steps > 1) wanted = wanted.map((x, i) => 0.75 * x + 0.25 * (now[i] as number));
    await trainer.run({ steps });
    expect(logits(trainer.average)).toEqual(wanted.map((x) => expect.closeTo(x, 5)));
  }
  expect(wanted[0]).not.toBeCloseTo(1, 2);
  using mixture = new NashMdTrainer(options(table, start, {}));
  expect(mixture.average).toBeUndefined();
});

test.each([
  ['policy-gradient', 'mixture', 100],
  ['policy-gradient', 'ema', 40],
  ['inpo', 'mixture', 40],
  ['egpo', 'mixture', 40],
] as const)('%s, opponent %s: tensors and bytes stay level, and all are freed', async (objective, kind, steps) => {
  const before = memory();
  const opponent = kind === 'ema' ? ({ kind, decay: 0.5 } as const) : ({ kind, mixtureCoef: 0 } as const);
  const o = options(table, [1, 0, -1], { objective, opponent, batchSize: 2, learningRate: 1e-3 });
  const trainer = new NashMdTrainer(o);
  disposeTree(o.params);
  const counts = new Set<string>();
  for await (const s of trainer.train({ steps })) counts.add(`${s.tensors} tensors, ${s.memoryBytes} bytes`);
  expect([...counts]).toHaveLength(1);
  trainer.dispose();
  expect(memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
});

test('both sides of self-play: for two even responses with P = .7 the very gradient of one, elsewhere another', async () => {
  // ∇log π is ±(½, −½): a pair of unlike responses gives .1 (1, −1) from either side, a pair of like ones 0
  const two = tokenTable({ vocabulary: 2, length: 1 });
  const preference: PreferenceFn = (_, a, b) => a.map((x, i) => 0.5 + 0.2 * (Number(b[i]) - Number(x)));
  const norm = async (contrastive: boolean, logits: number[]): Promise<number> => {
    using trainer = new NashMdTrainer(options(two, logits, { preference, contrastive, batchSize: 16 }));
    return (await trainer.run({ steps: 1 }))?.gradNorm as number;
  };
  const one = await norm(false, [0, 0]);
  expect(one).toBeGreaterThan(0.01);
  expect(await norm(true, [0, 0])).toBeCloseTo(one, 7);
  expect(Math.abs((await norm(true, [1, 0])) - (await norm(false, [1, 0])))).toBeGreaterThan(1e-3);
});
