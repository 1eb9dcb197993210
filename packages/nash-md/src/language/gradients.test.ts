// Claim N12: what the estimators are on average, by walking through every completion of a tiny model. The wanted gradient
// is that of the exact objective, by central differences in float64.
import { readFileSync } from 'node:fs';
import { disposeTree, type Params, type Rng, rng, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import { type Scalar, sum, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { ipoLoss } from './losses/pair-losses.ts';
import { type KlEstimator, policyGradientLoss } from './losses/policy-gradient.ts';
import { type TokenTable, tokenTable } from './policies/token-table.ts';

beforeAll(() => useBackend('auto'));

const draw = (n: number, stream: Rng): Float64Array =>
  Float64Array.from({ length: n }, () => Math.fround(stream.normal()));

/** Central differences. */
function gradientOf(f: (z: Float64Array) => number, z: Float64Array): Float64Array {
  return z.map((x, i) => {
    const [up, down] = [z.slice(), z.slice()];
    up[i] = x + 1e-5;
    down[i] = x - 1e-5;
    return (f(up) - f(down)) / 2e-5;
  });
}

const relative = (a: Float64Array, b: Float64Array): number =>
  Math.hypot(...a.map((x, i) => x - (b[i] as number))) / Math.hypot(...b);

interface Draw {
  policy: TokenTable;
  z: Float64Array;
  m: Float64Array;
  /** P(y ≻ π') of every completion */
  wins: Float64Array;
}

function drawn(V: number, L: number, seed: number): Draw {
  const policy = tokenTable({ vocabulary: V, length: L });
  const stream = rng(seed);
  const n = policy.prefixes * V;
  const [z, m] = [draw(n, stream), draw(n, stream)];
  return { policy, z, m, wins: Float64Array.from(policy.completions, () => Math.fround(stream.uniform())) };
}

const tau = 0.7;

/** Σ_y π(y) (P(y ≻ π') − ½ − τ log π(y)/μ(y)) */
function exact({ policy, z, m, wins }: Draw): Float64Array {
  const reference = policy.logProbabilities(m);
  return gradientOf(
    (x) =>
      policy
        .logProbabilities(x)
        .reduce((t, l, y) => t + Math.exp(l) * ((wins[y] as number) - 0.5 - tau * (l - (reference[y] as number))), 0),
    z,
  );
}

/** Σ_y π(y) ĝ(y) of the loss, its sign turned. */
function expected({ policy, z, m, wins }: Draw, estimator: KlEstimator): Float64Array {
  const [params, reference] = [policy.params(z), policy.params(m)];
  const weights = policy.logProbabilities(z).map(Math.exp);
  const out = new Float64Array(z.length);
  for (const [y, tokens] of policy.completions.entries()) {
    const width = tokens.length;
    const completion = { ids: Int32Array.from(tokens), width, lengths: Int32Array.of(width) };
    const prompts = { ids: new Int32Array(1), width: 1, lengths: Int32Array.of(1) };
    const logRef = tidy(() => policy.logProbs(reference, prompts, completion).dataSync<'float32'>().slice());
    const { value, grads } = valueAndGrad(
      (p: Params): Scalar =>
        policyGradientLoss(p, {
          ...{ policy, prompts, klCoef: tau, estimator, reference },
          side: { tokens: completion, mask: new Float32Array(width).fill(1), reference: logRef },
          advantages: Float32Array.of((wins[y] as number) - 0.5),
        }).sum,
    )(params);
    const g = (grads.logits as Tensor).dataSync();
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) - (weights[y] as number) * (g[i] as number);
    value.dispose();
    disposeTree(grads);
  }
  for (const tree of [params, reference]) disposeTree(tree);
  return out;
}

test.each([
  [3, 2],
  [3, 3],
])('V = %d, length %d: reward-to-go and the analytic divergence have the gradient of the exact objective', (V, L) => {
  for (let seed = 0; seed < 3; seed++) {
    const d = drawn(V, L, seed);
    const wanted = exact(d);
    expect(relative(expected(d, 'reward-to-go'), wanted)).toBeLessThan(1e-6);
    expect(relative(expected(d, 'analytic'), wanted)).toBeLessThan(1e-6);
  }
});

const golden = JSON.parse(readFileSync(new URL('../../test/golden/nash-md-trl.json', import.meta.url), 'utf8')) as {
  logits: number[];
  reference: number[];
  tokens: number[][];
  probability: number[];
  losses: { klCoef: number; kl: number[]; gradient: number[] }[];
};

test.each(golden.losses)(
  'token-local has the gradient of TRL’s Nash-MD loss, beta $klCoef',
  ({ klCoef, kl, gradient }) => {
    const { logits, reference, tokens, probability } = golden;
    const policy = tokenTable({ vocabulary: 3, length: 2 });
    const [params, mu] = [policy.params(logits), policy.params(reference)];
    const B = tokens.length;
    const completions = {
      ids: Int32Array.from(tokens.flatMap(([a = 0, b = 0]) => [a, b])),
      width: 2,
      lengths: Int32Array.from(tokens, (row) => row.length),
    };
    const mask = Float32Array.from(tokens.flatMap((row) => [1, row.length - 1]));
    const prompts = { ids: new Int32Array(B), width: 1, lengths: new Int32Array(B).fill(1) };
    const logRef = tidy(() => policy.logProbs(mu, prompts, completions).dataSync<'float32'>().slice());
    const of = (estimator: KlEstimator): { value: number; g: Float64Array } => {
      const { value, grads } = valueAndGrad(
        (p: Params): Scalar =>
          policyGradientLoss(p, {
            ...{ policy, prompts, klCoef, estimator, reference: mu },
            side: { tokens: completions, mask, reference: logRef },
            advantages: Float32Array.from(probability, (x) => x - 0.5),
          }).sum,
      )(params);
      // TRL's is the mean over completions
      const out = {
        value: (value.dataSync()[0] as number) / B,
        g: Float64Array.from((grads.logits as Tensor).dataSync(), (x) => x / B),
      };
      value.dispose();
      disposeTree(grads);
      return out;
    };
    const { value, g } = of('token-local');
    // float32 against float64
    expect(relative(g, Float64Array.from(gradient))).toBeLessThan(1e-6);
    // TRL logs the surrogate whose gradient this is; the value here is the objective of these completions
    const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / B;
    expect(value).toBeCloseTo(0.5 - mean(probability) + klCoef * mean(kl), 6);
    const whole = relative(of('reward-to-go').g, Float64Array.from(gradient));
    if (klCoef > 0) expect(whole).toBeGreaterThan(0.05);
    else expect(whole).toBeLessThan(1e-6);
    for (const tree of [params, mu]) disposeTree(tree);
  },
);

test('of the divergence alone, the log-ratio of the same token has another gradient, on each of 8 draws', () => {
  for (let seed = 0; seed < 8; seed++) {
    const all = drawn(3, 3, seed);
    const d = { ...all, wins: all.wins.map(() => 0.5) };
    expect(relative(expected(d, 'token-local'), exact(d))).toBeGreaterThan(0.1);
  }
});

test('the divergence of (.6, .3, .1) from (.3, .3, .4) is .277259; of a policy from itself 0', () => {
  const policy = tokenTable({ vocabulary: 3, length: 1 });
  const [params, reference] = [[0.6, 0.3, 0.1].map(Math.log), [0.3, 0.3, 0.4].map(Math.log)].map(policy.params) as [
    Params,
    Params,
  ];
  const prompts = { ids: new Int32Array(1), width: 1, lengths: Int32Array.of(1) };
  const divergence = (from: Params): number =>
    tidy(() => {
      const side = {
        tokens: { ids: new Int32Array(1), width: 1, lengths: Int32Array.of(1) },
        mask: Float32Array.of(1),
        reference: Float32Array.of(Math.log(0.3)),
      };
      // nothing to win and τ 1: the loss is the divergence
      const common = { policy, prompts, side, advantages: Float32Array.of(0), klCoef: 1 };
      const { sum: loss } = policyGradientLoss(params, { ...common, estimator: 'analytic', reference: from });
      return loss.dataSync()[0] as number;
    });
  // .6 log 2 + .3 log 1 + .1 log ¼
  expect(divergence(reference)).toBeCloseTo(0.277259, 6);
  expect(divergence(params)).toBeCloseTo(0, 6);
  for (const tree of [params, reference]) disposeTree(tree);
});

test('differentiating the plain sampled log-ratio has expectation 0', () => {
  const { policy, z } = drawn(3, 2, 1);
  // Σ_y π(y) ∇ log π(y) = ∇ Σ_y π(y)
  const total = gradientOf((x) => policy.logProbabilities(x).reduce((t, l) => t + Math.exp(l), 0), z);
  expect(Math.hypot(...total)).toBeLessThan(1e-9);
});

test('the expected gradient of online IPO is −4/τ that of self-play', () => {
  const V = 3;
  const d = drawn(V, 2, 4);
  const { policy, z, m } = d;
  const n = policy.completions.length;
  const P = new Float64Array(n * n).fill(0.5);
  const stream = rng(9);
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      P[i * n + j] = Math.fround(stream.uniform());
      P[j * n + i] = 1 - (P[i * n + j] as number);
    }
  const log = policy.logProbabilities(z);
  const pi = log.map(Math.exp);
  const reference = policy.logProbabilities(m);
  const wins = Float64Array.from({ length: n }, (_, i) => pi.reduce((t, p, j) => t + p * (P[i * n + j] as number), 0));
  const selfPlay = exact({ ...d, wins });
  // Σ_{y, y'} π(y) π(y') loss(y, y'), the weights held
  const loss = gradientOf((x) => {
    const now = policy.logProbabilities(x);
    let total = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const h = (now[i] as number) - (reference[i] as number) - (now[j] as number) + (reference[j] as number);
        const p = P[i * n + j] as number;
        total +=
          (pi[i] as number) * (pi[j] as number) * (p * (h - 1 / (2 * tau)) ** 2 + (1 - p) * (h + 1 / (2 * tau)) ** 2);
      }
    return total;
  }, z);
  expect(
    relative(
      loss,
      selfPlay.map((g) => (-4 / tau) * g),
    ),
  ).toBeLessThan(1e-6);
  // and the loss is that number
  const h = [0.3, -2, 5];
  const p = [0.2, 0.9, 1];
  const ours = tidy(() => sum(ipoLoss(tensor1d(h), tensor1d(p), tau)).dataSync()[0] as number);
  const byHand = h.reduce(
    (t, x, i) => t + (p[i] as number) * (x - 1 / 1.4) ** 2 + (1 - (p[i] as number)) * (x + 1 / 1.4) ** 2,
    0,
  );
  expect(ours).toBeCloseTo(byHand, 4);
});
