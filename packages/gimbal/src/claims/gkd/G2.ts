// What the gradient of on-policy distillation is and is not: every completion of a tiny model is walked through.
import { tokenDivergence } from '@gimbal/gkd';
import { rng, valueAndGrad } from '@gimbal/tensor-core';
import {
  add,
  gather,
  logSoftmax,
  mul,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { allRows, gradientOf, logRows, relativeError } from './internal/enumerate.ts';

const [V, length, draws, eos] = [3, 3, 8, 2];
const prefixes = 1 + V + V ** 2;

/** A completion: its tokens and the row of the table that each was drawn from. */
interface Walk {
  tokens: readonly number[];
  rows: readonly number[];
}

const rowOf = (prefix: readonly number[]): number => prefix.reduce((code, token) => code * V + token + 1, 0);
const walk = (tokens: readonly number[]): Walk => ({ tokens, rows: tokens.map((_, n) => rowOf(tokens.slice(0, n))) });
/** all of three tokens, and all that end at their first `eos` or after three */
const whole = allRows(V, length).map(walk);
const ending = [...new Set(allRows(V, length).map((t) => `${t.slice(0, (t.indexOf(eos) + 1 || length) as number)}`))]
  .map((text) => text.split(',').map(Number))
  .map(walk);

/** What each ∇ log q(y_n) is multiplied with besides the gradient of D_n itself. */
type Weights = (d: readonly number[]) => number[];
const none: Weights = (d) => d.map(() => 0);
const future: Weights = (d) => d.map((_, n) => d.slice(n + 1).reduce((a, b) => a + b, 0));
const all: Weights = (d) => d.map(() => d.reduce((a, b) => a + b, 0));

export const claim = defineClaim({
  id: 'G2',
  claim:
    'with sampling stopped the gradient of reverse KL is that of the own token alone, not that of the sequences’ KL; returns of the later tokens make up for it, and under a mean over tokens those of all tokens',
  paper: 'equation 4 and section 3: no gradient goes through the sampling',
  wanted: `relative error ≤ 1e-5 for the identities; ≥ .1 without the later tokens, on each of ${draws} draws of N(0,1) logits, ${V} tokens, length ${length}`,
  async run({ signal }) {
    const checks = new Checks();
    const errors = { own: [] as number[], exact: [] as number[], mean: [] as number[] };
    const [bias, meanBias]: [number[], number[]] = [[], []];
    for (let seed = 0; seed < draws; seed++) {
      await breathe(signal);
      const stream = rng(seed).split('claims.G2');
      const logits = (): Float64Array =>
        Float64Array.from({ length: prefixes * V }, () => Math.fround(stream.normal()));
      const [z, m] = [logits(), logits()];
      const semi = expected(whole, z, m, none, false);
      errors.own.push(relativeError(semi, ownToken(z, m)));
      const exact = gradientOf((x) => objective(whole, x, m, false), z);
      bias.push(relativeError(semi, exact));
      errors.exact.push(relativeError(expected(whole, z, m, future, false), exact));
      const exactMean = gradientOf((x) => objective(ending, x, m, true), z);
      meanBias.push(relativeError(expected(ending, z, m, future, true), exactMean));
      errors.mean.push(relativeError(expected(ending, z, m, all, true), exactMean));
    }
    for (const [name, list] of Object.entries(errors))
      for (const error of list) checks.most(`${name}: relative error`, error, 1e-5);
    for (const error of bias) checks.least('without the later tokens', error, 0.1);
    const range = (list: readonly number[]): string =>
      `${Math.min(...list).toFixed(2)} to ${Math.max(...list).toFixed(2)}`;
    const worst = Math.max(...Object.values(errors).flat());
    return checks.result(
      `identities to ${worst.toExponential(1)}; off without the later tokens ${range(bias)}, under a mean with the later alone ${range(meanBias)}`,
    );
  },
});

/** log q − log p of a completion's tokens */
const ratios = ({ tokens, rows }: Walk, q: Float64Array, p: Float64Array): number[] =>
  tokens.map((token, n) => at(q, rows[n] as number, token) - at(p, rows[n] as number, token));
const at = (table: Float64Array, row: number, token: number): number => table[row * V + token] as number;
const probability = ({ tokens, rows }: Walk, q: Float64Array): number =>
  Math.exp(tokens.reduce((sum, token, n) => sum + at(q, rows[n] as number, token), 0));

/** E Σ_n D_n, or of its mean over the completion's tokens, in float64: by the chain rule E Σ_n log q/p. */
function objective(walks: readonly Walk[], z: Float64Array, m: Float64Array, mean: boolean): number {
  const [q, p] = [logRows(z, V), logRows(m, V)];
  return walks.reduce((total, w) => {
    const d = w.rows.map((row) => klAt(row, q, p));
    return total + probability(w, q) * (d.reduce((a, b) => a + b, 0) / (mean ? d.length : 1));
  }, 0);
}

function klAt(row: number, q: Float64Array, p: Float64Array): number {
  let kl = 0;
  for (let v = 0; v < V; v++) kl += Math.exp(at(q, row, v)) * (at(q, row, v) - at(p, row, v));
  return kl;
}

/** E Σ_n ∇ log q(y_n) · log[q(y_n)/p(y_n)] */
function ownToken(z: Float64Array, m: Float64Array): Float64Array {
  const [q, p] = [logRows(z, V), logRows(m, V)];
  const total = new Float64Array(z.length);
  for (const w of whole) {
    const [weight, ratio] = [probability(w, q), ratios(w, q, p)];
    for (const [n, token] of w.tokens.entries()) {
      for (let v = 0; v < V; v++) {
        const i = (w.rows[n] as number) * V + v;
        const grad = (v === token ? 1 : 0) - Math.exp(q[i] as number);
        total[i] = (total[i] as number) + weight * (ratio[n] as number) * grad;
      }
    }
  }
  return total;
}

/** The gradient that training follows, in expectation: Σ_y q(y) Σ_n [∇D_n + weight_n ∇ log q(y_n)], by the library's D. */
function expected(
  walks: readonly Walk[],
  z: Float64Array,
  m: Float64Array,
  weights: Weights,
  mean: boolean,
): Float64Array {
  const [q, p] = [logRows(z, V), logRows(m, V)];
  const rows = walks.flatMap((w) => w.rows);
  const own = walks.flatMap((w) => w.tokens.map((token, n) => (w.rows[n] as number) * V + token));
  const share = walks.flatMap((w) => w.rows.map(() => probability(w, q) / (mean ? w.rows.length : 1)));
  const returns = walks.flatMap((w) => weights(w.rows.map((row) => klAt(row, q, p))));
  const gradient = tidy(() => {
    const [index, table] = [tensor1d(rows, 'int32'), tensor2d(Float32Array.from(m), [prefixes, V])];
    const zT = gather(table, index);
    const { grads } = valueAndGrad((params: { z: Tensor }): Scalar => {
      const zS = params.z as Tensor2D;
      const d = tokenDivergence(gather(zS, index), zT, 'rkl');
      const logProbs = gather(reshape(logSoftmax(zS), [prefixes * V]), tensor1d(own, 'int32'));
      return sum(mul(add(d, mul(logProbs, tensor1d(returns))), tensor1d(share)));
    })({ z: tensor2d(Float32Array.from(z), [prefixes, V]) });
    return (grads.z as Tensor).dataSync<'float32'>();
  });
  return Float64Array.from(gradient);
}
