// The estimators of the policy gradient, against the exact gradient: every completion of a tiny model is walked through.
import { type KlEstimator, policyGradientLoss, type TokenTable, tokenTable } from '@gimbal/nash-md';
import { disposeTree, type Params, rng, valueAndGrad } from '@gimbal/tensor-core';
import { type Scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';

const [V, length, tau, draws] = [3, 3, 0.7, 8];

export const claim = defineClaim({
  id: 'N12',
  claim:
    'log-ratios of the tokens that follow, and the divergence over the whole vocabulary, give the gradient of the exact objective; the log-ratio of the same token alone gives another',
  paper: 'appendix F.2 states the estimator over whole completions',
  wanted: `relative error ≤ 1e-5 in float32 for both; ≥ .1 for the same token, on each of ${draws} draws of N(0,1) logits, ${V} tokens, length ${length}`,
  async run({ signal }) {
    const checks = new Checks();
    const policy = tokenTable({ vocabulary: V, length });
    const [errors, biases]: [number[], number[]] = [[], []];
    for (let seed = 0; seed < draws; seed++) {
      await breathe(signal);
      const stream = rng(seed).split('claims.N12');
      const logits = (): Float64Array =>
        Float64Array.from({ length: policy.prefixes * V }, () => Math.fround(stream.normal()));
      const [z, m] = [logits(), logits()];
      const wins = Float64Array.from(policy.completions, () => Math.fround(stream.uniform()));
      const even = wins.map(() => 0.5);
      const wanted = exactGradient(policy, z, m, wins);
      for (const estimator of ['reward-to-go', 'analytic'] as const)
        errors.push(relative(expected(policy, z, m, wins, estimator), wanted));
      // of the divergence alone
      biases.push(relative(expected(policy, z, m, even, 'token-local'), exactGradient(policy, z, m, even)));
    }
    for (const error of errors) checks.most('exact estimator', error, 1e-5);
    for (const bias of biases) checks.least('same token', bias, 0.1);
    const [low, high] = [Math.min(...biases), Math.max(...biases)];
    return checks.result(
      `relative error ≤ ${Math.max(...errors).toExponential(1)}; same token ${low.toFixed(2)} to ${high.toFixed(2)}`,
    );
  },
});

/** ∇ Σ_y π(y) (P(y ≻ π') − ½ − τ log π(y)/μ(y)), by central differences in float64 */
function exactGradient(policy: TokenTable, z: Float64Array, m: Float64Array, wins: Float64Array): Float64Array {
  const reference = policy.logProbabilities(m);
  const objective = (x: Float64Array): number =>
    policy
      .logProbabilities(x)
      .reduce(
        (total, l, y) => total + Math.exp(l) * ((wins[y] as number) - 0.5 - tau * (l - (reference[y] as number))),
        0,
      );
  return z.map((x, i) => {
    const [up, down] = [z.slice(), z.slice()];
    up[i] = x + 1e-5;
    down[i] = x - 1e-5;
    return (objective(up) - objective(down)) / 2e-5;
  });
}

/** Σ_y π(y) ĝ(y) */
function expected(
  policy: TokenTable,
  z: Float64Array,
  m: Float64Array,
  wins: Float64Array,
  estimator: KlEstimator,
): Float64Array {
  const [params, reference] = [policy.params(z), policy.params(m)];
  const weights = policy.logProbabilities(z).map(Math.exp);
  const prompts = { ids: new Int32Array(1), width: 1, lengths: Int32Array.of(1) };
  const total = new Float64Array(z.length);
  for (const [y, tokens] of policy.completions.entries()) {
    const completion = { ids: Int32Array.from(tokens), width: length, lengths: Int32Array.of(length) };
    const logRef = tidy(() => policy.logProbs(reference, prompts, completion).dataSync<'float32'>().slice());
    const { value, grads } = valueAndGrad(
      (p: Params): Scalar =>
        policyGradientLoss(p, {
          ...{ policy, prompts, klCoef: tau, estimator, reference },
          side: { tokens: completion, mask: new Float32Array(length).fill(1), reference: logRef },
          advantages: Float32Array.of((wins[y] as number) - 0.5),
        }).sum,
    )(params);
    for (const [i, g] of (grads.logits as Tensor).dataSync().entries())
      total[i] = (total[i] as number) - (weights[y] as number) * g;
    value.dispose();
    disposeTree(grads);
  }
  for (const tree of [params, reference]) disposeTree(tree);
  return total;
}

const relative = (a: Float64Array, b: Float64Array): number =>
  Math.hypot(...a.map((x, i) => x - (b[i] as number))) / Math.hypot(...b);
