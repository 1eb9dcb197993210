import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, flatten, type Params, type RewardFn, rng, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import { memory, type Scalar, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { ones, tokenOptions as options } from '../../test/fixtures/token-options.ts';
import { tokenTable } from '../../test/fixtures/token-table.ts';
import {
  type Surrogate,
  surrogates,
  type TokenPolicyStep,
  TokenPolicyTrainer,
  tokenPresets,
  tokenRollout,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

test('rollouts repeat prompts, mask what was sampled, and refuse a temperature of 0', async () => {
  const policy = tokenTable({ vocabulary: 3, length: 4, eos: 0 });
  const params = policy.init();
  const prompts = { ids: Int32Array.of(5, 6, 7, 0), width: 2, lengths: Int32Array.of(2, 1) };
  const o = { samplesPerPrompt: 3, temperature: 1, maxNewTokens: 4, rng: rng(1) };
  const r = await tokenRollout(policy, params, prompts, o);
  expect([...r.groups]).toEqual([0, 0, 0, 1, 1, 1]);
  expect([...r.prompts.ids]).toEqual([5, 6, 5, 6, 5, 6, 7, 0, 7, 0, 7, 0]);
  for (const [b, n] of r.completions.lengths.entries())
    expect([...r.mask.subarray(4 * b, 4 * b + 4)]).toEqual([0, 1, 2, 3].map((t) => (t < n ? 1 : 0)));
  await expect(tokenRollout(policy, params, prompts, { ...o, temperature: 0 })).rejects.toThrow(
    'Greedy completions have no gradient',
  );
  disposeTree(params);
});

describe('every preset learns to write ones', () => {
  test.each(Object.entries(tokenPresets))('%s', async (name, preset) => {
    const more = name === 'ppo' ? { value: { learningRate: 0.1 } } : {};
    using trainer = new TokenPolicyTrainer(
      options(preset({ klCoef: 0.02, ...more, ...(name === 'grpo' && { samplesPerPrompt: 8 }) })),
    );
    let [first, last]: (TokenPolicyStep | undefined)[] = [undefined, undefined];
    for await (const s of trainer.train({ steps: 60 })) {
      first ??= s;
      last = s;
    }
    expect(first?.reward as number).toBeLessThan(1.2); // ¾ by chance
    expect(last?.reward as number).toBeGreaterThan(2.5);
    expect(last?.kl as number).toBeGreaterThan(1); // towards 3 ln 4 = 4.2
  });
});

test('with a reference the policy goes to p_ref·exp(r/β), the optimum in closed form', async () => {
  // one token of four, reward 1 for the second, β 1: p = e/(e + 3)
  const policy = tokenTable({ vocabulary: 4, length: 1 });
  const base = {
    policy,
    params: policy.init(),
    codec: policy.codec,
    maxNewTokens: 1,
    klCoef: 1,
    batchSize: 256,
    learningRate: 0.03,
  };
  const p = Math.E / (Math.E + 3);
  const convex = { klMixing: 'convex' as const, klCoef: 0.5 };
  for (const more of [{}, { klIn: 'loss' as const, epochs: 1 }, convex, { ...convex, klIn: 'loss' as const }]) {
    using trainer = new TokenPolicyTrainer(options({ ...base, ...more, baseline: 'batch' }));
    await trainer.run({ steps: 150 });
    const z = [...(trainer.params.logits as Tensor).dataSync()].map(Math.exp);
    expect(Math.abs((z[1] as number) / z.reduce((a, b) => a + b) - p)).toBeLessThan(0.06);
  }
});

test('rows without a reward and without an end; named rewards; monitors', async () => {
  const policy = tokenTable({ vocabulary: 3, length: 4, eos: 0 });
  const seen: number[] = [];
  const reward = [
    { name: 'length', weight: 0.5, fn: ((_, c) => c.map((t) => t.length)) as RewardFn },
    { name: 'even', weight: 2, fn: ((_, c) => c.map((_, i) => (i % 2 === 0 ? null : 1))) as RewardFn },
  ];
  const before: number[][] = [];
  const weights = (): number[] => flatten(trainer.params).flatMap(([, leaf]) => [...leaf.dataSync()]);
  using trainer = new TokenPolicyTrainer(
    options({
      policy,
      params: policy.init(),
      codec: policy.codec,
      maxNewTokens: 4,
      reward,
      missingEos: { reward: -7 },
      monitor: {
        async check(step) {
          seen.push(step);
          before.push(weights());
          return [{ monitor: 'm', step, message: '', value: 1, limit: 0, stop: step === 1 }];
        },
      },
    }),
  );
  const start = weights();
  const steps: TokenPolicyStep[] = [];
  for await (const s of trainer.train({ steps: 5 })) steps.push(s);
  expect(before[0]).toEqual(start);
  expect(before[1]).not.toEqual(start);
  expect(steps).toHaveLength(2); // the monitor said stop
  expect(steps[0]?.reward_even).toBe(1);
  expect(steps[0]?.missingEosRate).toBeGreaterThan(0);
  expect(steps[0]?.unrewarded).toBe(steps[0]?.emptyRate); // one of the two always answers
  expect(seen).toEqual([0, 1]); // before each update: updates done, as the weights that wrote the completions have
});

test('completions that were cut are left out of the loss where they are masked, and counted', async () => {
  const policy = tokenTable({ vocabulary: 3, length: 6, eos: 0 });
  const base = {
    policy,
    codec: policy.codec,
    baseline: 'batch' as const,
    maxNewTokens: 2,
    missingEos: 'mask' as const,
  };
  const reward: RewardFn = (_, c) => c.map((text) => text.length); // longer is better, so that the cut ones would lead
  using trainer = new TokenPolicyTrainer(options({ ...base, params: policy.init(), reward }));
  const step = (await trainer.run({ steps: 1 })) as TokenPolicyStep;
  expect(step.missingEosRate).toBeGreaterThan(0);
  expect(step.unrewarded).toBeCloseTo(step.missingEosRate + step.emptyRate, 12);
  // tokens that only cut completions have, the second of two that do not end, get no gradient
  const logits = (trainer.params.logits as Tensor).dataSync();
  for (const first of [1, 2]) for (const second of [1, 2]) expect(logits[policy.prefixOf([first, second]) * 3]).toBe(0);
  expect(() => new TokenPolicyTrainer(options({ missingEos: 'msak' as 'mask' }))).toThrow(/missingEos/);
});

test('tempered, the log-probabilities are those of what was sampled from: logits over the temperature', async () => {
  const policy = tokenTable({ vocabulary: 3, length: 1 });
  const logits = [0.3, -0.2, 0.9];
  const params = { logits: tensor2d([logits]) };
  const common = {
    ...options(),
    policy,
    params,
    codec: policy.codec,
    temperature: 2,
    learningRate: 0,
    maxNewTokens: 1,
  };
  // 3 600 samples: the mean of −log p over them is the entropy of what was sampled from, ± .02
  const entropyOf = async (rolloutLogProbs: 'unit' | 'tempered'): Promise<number> => {
    using trainer = new TokenPolicyTrainer({ ...common, batchSize: 3600, rolloutLogProbs });
    return (await trainer.run({ steps: 1 }))?.entropy as number;
  };
  const softmax = (z: number[]): number[] => z.map((x) => Math.exp(x) / z.reduce((sum, y) => sum + Math.exp(y), 0));
  const sampled = softmax(logits.map((x) => x / 2));
  const cross = (p: number[]): number => -p.reduce((sum, x, i) => sum + (sampled[i] as number) * Math.log(x), 0);
  expect(Math.abs((await entropyOf('tempered')) - cross(sampled))).toBeLessThan(0.02);
  expect(Math.abs((await entropyOf('unit')) - cross(softmax(logits)))).toBeLessThan(0.03);
  const { logits: _, ...without } = policy;
  expect(() => new TokenPolicyTrainer({ ...common, policy: without, rolloutLogProbs: 'tempered' })).toThrow(
    "rolloutLogProbs: 'tempered' divides the policy's logits, which it does not give",
  );
  disposeTree(params);
});

test('k1, k2 and k3 of the KL to the reference, by hand', async () => {
  const policy = tokenTable({ vocabulary: 2, length: 1 });
  const reference = policy.init();
  const params = { logits: tensor2d([[Math.log(3), 0]]) };
  using trainer = new TokenPolicyTrainer(
    options({ policy, params, codec: policy.codec, maxNewTokens: 1, anchor: { params: reference }, batchSize: 4096 }),
  );
  const { kl, klK2, klK3 } = (await trainer.run({ steps: 1 })) as TokenPolicyStep;
  // p = (3/4, 1/4), q = (1/2, 1/2)
  const [x, y] = [Math.log(1.5), Math.log(0.5)];
  const exact = 0.75 * x + 0.25 * y;
  expect(kl).toBeCloseTo(exact, 1);
  expect(klK3).toBeCloseTo(exact, 1);
  expect(klK2).toBeCloseTo((0.75 * x * x + 0.25 * y * y) / 2, 1);
  // the share of the first token, by k1, gives the others exactly
  const share = (kl - y) / (x - y);
  expect(klK2).toBeCloseTo((share * x * x + (1 - share) * y * y) / 2, 5);
  expect(klK3).toBeCloseTo(share * (Math.exp(-x) - 1 + x) + (1 - share) * (Math.exp(-y) - 1 + y), 5);
});

test('rows on which all functions abstain are counted, and are in no mean and no loss', async () => {
  const half: RewardFn = (_, c) => c.map((_, i) => (i % 2 === 0 ? null : 2));
  using trainer = new TokenPolicyTrainer(options({ reward: half, baseline: 'batch' }));
  const weights = (): number[] => flatten(trainer.params).flatMap(([, leaf]) => [...leaf.dataSync()]);
  const before = weights();
  expect(await trainer.run({ steps: 1 })).toMatchObject({ unrewarded: 0.5, reward: 2 });
  expect(weights()).toEqual(before); // the others are all equal: taken for 0, those without one would move them
});

test.each([
  ['11', /reward reward: it gave no list of rewards; got "11", wanted a list of \d+ numbers/],
  [undefined, /reward reward: it gave no list of rewards/],
  [[1], /reward reward: it gave another number of rewards; got 1/],
  [['1', 1], /reward reward, row 0: no reward; got "1"/],
])('a reward function that gives %j is refused before anything changes', async (given, message) => {
  const policy = tokenTable({ vocabulary: 3, length: 4, eos: 0 });
  const reward = ((_: unknown, c: readonly string[]) =>
    Array.isArray(given) && given.length > 1 ? c.map((_, i) => given[i % 2]) : given) as unknown as RewardFn;
  using trainer = new TokenPolicyTrainer(options({ policy, params: policy.init(), codec: policy.codec, reward }));
  await expect(trainer.run({ steps: 1 })).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(message),
  });
  expect(trainer.step).toBe(0);
});

test('after a reward that failed the same prompts are asked for again', async () => {
  const { reward } = options({});
  const asked: (readonly string[])[] = [];
  const failing: RewardFn = (prompts, ...rest) => {
    asked.push(prompts);
    if (asked.length === 2) throw new RangeError('the judge is away');
    return (reward as RewardFn)(prompts, ...rest);
  };
  using whole = new TokenPolicyTrainer(options({}));
  using trainer = new TokenPolicyTrainer(options({ reward: failing }));
  await expect(trainer.run({ steps: 3 })).rejects.toThrow('the judge is away');
  expect(trainer.step).toBe(1);
  expect(await trainer.run({ steps: 3 })).toEqual(await whole.run({ steps: 3 }));
  expect(asked[2]).toEqual(asked[1]);
});

test.each(['reward', 'loss'] as const)(
  'a klCoef that leaves its range is refused before the step in which it does, in the %s',
  async (klIn) => {
    let sampled = 0;
    const counted: RewardFn = (...given) => {
      sampled++;
      return ones(...given);
    };
    for (const [klMixing, bad, wanted] of [
      ['convex', 1.2, 'a number from 0 to 1'],
      ['additive', Number.NaN, 'a finite number ≥ 0'],
    ] as const) {
      sampled = 0;
      const klCoef = (step: number): number => (step < 2 ? 0.1 : bad);
      using trainer = new TokenPolicyTrainer(options({ klIn, klMixing, klCoef, reward: counted }));
      await expect(trainer.run({ steps: 5 })).rejects.toMatchObject({
        code: 'ERR_CONFIG',
        message: `klCoef, step 3: out of range; got ${bad}, wanted ${wanted}`,
      });
      expect([trainer.step, sampled]).toEqual([2, 2]);
    }
  },
);

test('resumed, the next steps are those of the run that was never stopped; micro-batches make no difference', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  const numbers = async (t: TokenPolicyTrainer, steps: number): Promise<TokenPolicyStep[]> => {
    const all: TokenPolicyStep[] = [];
    for await (const s of t.train({ steps })) all.push(s);
    return all;
  };
  try {
    const o = {
      anchor: { emaRate: 0.9 },
      baseline: 'moving-average' as const,
      epochs: 2,
      surrogate: surrogates.smdpo(),
    };
    using whole = new TokenPolicyTrainer(options(o));
    const all = await numbers(whole, 6);
    using first = new TokenPolicyTrainer(options(o));
    await numbers(first, 3);
    await first.save(join(dir, 'half'));
    using second = await TokenPolicyTrainer.resume(join(dir, 'half'), options(o));
    expect(await numbers(second, 6)).toEqual(all.slice(3));
    await expect(TokenPolicyTrainer.resume(join(dir, 'half'), options({ ...o, epochs: 3 }))).rejects.toThrow(
      'epochs differs; got',
    );
  } finally {
    await rm(dir, { recursive: true });
  }
  for (const aggregate of ['token-mean', 'row-mean'] as const) {
    const surrogate = surrogates.ppoClip({ aggregate });
    using big = new TokenPolicyTrainer(options({ surrogate, batchSize: 48 }));
    using small = new TokenPolicyTrainer(options({ surrogate, batchSize: 12, accumulate: 4 }));
    const [a, b] = [(await numbers(big, 3)).at(-1), (await numbers(small, 3)).at(-1)];
    expect(b?.loss as number).toBeCloseTo(a?.loss as number, 5);
    expect(b?.gradNorm as number).toBeCloseTo(a?.gradNorm as number, 5);
  }
});

test('tensors stay level over many steps', async () => {
  using trainer = new TokenPolicyTrainer(options({ ...tokenPresets.ppo(), batchSize: 8 }));
  await trainer.run({ steps: 2 });
  const before = memory().numTensors;
  await trainer.run({ steps: 30 });
  expect(memory().numTensors).toBe(before);
});

test.each(['reinforce', 'ratio', 'ppoClip', 'smdpo', 'mdpo', 'sppo'] as const)(
  'the loss of %s over all completions is −1/length of the tabular surrogate on the tree of prefixes (claim C12)',
  (name) => {
    const [V, T] = [3, 3];
    const policy = tokenTable({ vocabulary: V, length: T });
    const r = rng(5);
    const draw = (): Float32Array => Float32Array.from({ length: policy.prefixes * V }, () => 0.5 * r.normal());
    const [old, now] = [draw(), draw()];
    const A = draw(); // any advantages of (prefix, token)
    const completions = Array.from({ length: V ** T }, (_, k) => [
      Math.floor(k / V ** 2),
      Math.floor(k / V) % V,
      k % V,
    ]);
    const logP = (z: Float32Array, s: number, a: number): number => {
      const row = z.subarray(s * V, (s + 1) * V);
      return (row[a] as number) - Math.log(row.reduce((t, x) => t + Math.exp(x), 0));
    };
    // tabular: Σ_s d(s) Σ_a p_t f(x, A), d(s) by walking the tree
    const f: Record<string, (x: number, a: number) => number> = {
      reinforce: (x, a) => a * x,
      ratio: (x, a) => Math.exp(x) * a,
      ppoClip: (x, a) => Math.min(Math.exp(x) * a, Math.min(Math.max(Math.exp(x), 0.8), 1.2) * a),
      smdpo: (x, a) => a * x - (Math.exp(x) - 1 - x),
      mdpo: (x, a) => Math.exp(x) * a - (Math.exp(x) * x - Math.exp(x) + 1),
      sppo: (x, a) => Math.min(a * x, a * Math.min(Math.max(x, -Math.log(1.2)), Math.log(1.2))),
    };
    const tabular = (z: Float32Array): number => {
      const visit = (tokens: number[], weight: number): number => {
        if (tokens.length === T) return 0;
        const s = policy.prefixOf(tokens);
        let total = 0;
        for (let a = 0; a < V; a++) {
          const p = weight * Math.exp(logP(old, s, a));
          total +=
            p * (f[name] as (x: number, a: number) => number)(logP(z, s, a) - logP(old, s, a), A[s * V + a] as number);
          total += visit([...tokens, a], p);
        }
        return total;
      };
      return visit([], 1);
    };
    const rows = completions.flatMap((c) => c.map((_, t) => policy.prefixOf(c.slice(0, t))));
    const each = (g: (s: number, a: number) => number): Tensor =>
      tensor2d(
        rows.map((s, i) => g(s, completions.flat()[i] as number)),
        [V ** T, T],
      );
    const weights = completions.map((c) =>
      Math.exp(c.reduce((t, a, i) => t + logP(old, policy.prefixOf(c.slice(0, i)), a), 0)),
    );
    const surrogate = (
      name === 'smdpo' ? surrogates.smdpo({ negativeWeight: 'keep' }) : surrogates[name]()
    ) as Surrogate;
    const batch = { ids: Int32Array.from(completions.flat()), width: T, lengths: new Int32Array(V ** T).fill(T) };
    const { value, grads } = valueAndGrad(
      (p: Params): Scalar =>
        surrogate({
          logProbs: policy.logProbs(p, batch, batch),
          oldLogProbs: each((s, a) => logP(old, s, a)),
          advantages: each((s, a) => A[s * V + a] as number),
          mask: tidy(() =>
            tensor2d(
              weights.flatMap((w) => [w, w, w]),
              [V ** T, T],
            ),
          ),
        }).loss,
    )({ logits: tensor2d(now, [policy.prefixes, V]) });
    expect(value.dataSync()[0]).toBeCloseTo(-tabular(now) / T, 5);
    const gradient = (grads.logits as Tensor).dataSync();
    for (const i of [0, 4, 11, 20, 38]) {
      const [up, down] = [Float32Array.from(now), Float32Array.from(now)];
      up[i] = (up[i] as number) + 0.01;
      down[i] = (down[i] as number) - 0.01;
      const h = (up[i] as number) - (down[i] as number);
      expect(gradient[i]).toBeCloseTo(-(tabular(up) - tabular(down)) / h / T, 3);
    }
  },
);

test('a completion without a token has no reward: it is in no mean, and its group is not flat', async () => {
  const table = tokenTable({ vocabulary: 4, length: 3 });
  const sample: typeof table.sample = async (...x) => {
    const drawn = await table.sample(...x);
    drawn.lengths[0] = 0;
    return drawn;
  };
  const reward: RewardFn = (_, c) => c.map((_text, i) => (i === 0 ? 100 : 1));
  using trainer = new TokenPolicyTrainer(
    options({ policy: { ...table, sample }, reward, samplesPerPrompt: 2, baseline: 'batch' }),
  );
  const step = await trainer.run({ steps: 1 });
  // of 24 prompts the first has one completion left, and is not asked whether it is flat
  expect(step).toMatchObject({ reward: 1, unrewarded: 1 / 48, emptyRate: 1 / 48, flatGroups: 1 });
});

test('a moving reference goes 1 − rate of the way to the policy', async () => {
  const kl = async (emaRate: number): Promise<number> => {
    using trainer = new TokenPolicyTrainer(options({ anchor: { emaRate }, klCoef: 0, learningRate: 0.5 }));
    return ((await trainer.run({ steps: 3 })) as TokenPolicyStep).klK3;
  };
  const [still, near, at] = [await kl(1), await kl(0.1), await kl(0)];
  expect(still).toBeGreaterThan(0.3); // as the policy was at the start
  expect(near).toBeGreaterThan(0);
  expect(near).toBeLessThan(still / 10);
  expect(at).toBeCloseTo(0, 6); // as it is now
});
