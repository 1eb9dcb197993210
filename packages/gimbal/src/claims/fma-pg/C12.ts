// The loss of token rows is the tabular surrogate on the tree of prefixes.
import { type Surrogate, surrogates } from '@gimbal/fma-pg';
import { type Params, rng, valueAndGrad } from '@gimbal/tensor-core';
import {
  gather,
  logSoftmax,
  mul,
  oneHot,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { defineClaim } from '../../reproduce/claim.ts';

const [V, T] = [8, 4];
const starts = Array.from({ length: T + 1 }, (_, n) => (V ** n - 1) / (V - 1));
const prefixes = starts[T] as number;
const count = V ** T;
const batch = 64;
const aggregate = 'token-mean';

const target = 3;
const [low, high, band] = [Math.log(0.8), Math.log(1.2), Math.log(1.2)];

/**
 * f(x, A) of each surrogate, and df/dx, x = log ρ; KLs are the estimates of one sample, ρ − 1 − x and ρ x − ρ + 1. MPO is
 * left out: its weights are shares of a batch, no sum over states.
 */
const formulas: Record<
  string,
  { make: () => Surrogate; f: (x: number, a: number) => number; df: (x: number, a: number) => number }
> = {
  reinforce: { make: () => surrogates.reinforce({ aggregate }), f: (x, a) => a * x, df: (_, a) => a },
  ratio: { make: () => surrogates.ratio({ aggregate }), f: (x, a) => Math.exp(x) * a, df: (x, a) => Math.exp(x) * a },
  ppoClip: {
    make: () => surrogates.ppoClip({ aggregate }),
    f: (x, a) => Math.min(Math.exp(x) * a, Math.exp(Math.min(Math.max(x, low), high)) * a),
    df: (x, a) => ((a >= 0 ? x < high : x > low) ? Math.exp(x) * a : 0),
  },
  ppoKl: {
    make: () => surrogates.ppoKl({ aggregate }),
    f: (x, a) => Math.exp(x) * a - (Math.exp(x) - 1 - x),
    df: (x, a) => Math.exp(x) * a - (Math.exp(x) - 1),
  },
  sppo: {
    make: () => surrogates.sppo({ aggregate }),
    f: (x, a) => Math.min(a * x, a * Math.min(Math.max(x, -band), band)),
    df: (x, a) => ((a >= 0 ? x < band : x > -band) ? a : 0),
  },
  smdpo: {
    make: () => surrogates.smdpo({ aggregate }),
    f: (x, a) => Math.max(a, -1) * x - (Math.exp(x) - 1 - x),
    df: (x, a) => Math.max(a, -1) - (Math.exp(x) - 1),
  },
  'smdpo, η .5, keep': {
    make: () => surrogates.smdpo({ aggregate, eta: 0.5, negativeWeight: 'keep' }),
    f: (x, a) => a * x - 2 * (Math.exp(x) - 1 - x),
    df: (x, a) => a - 2 * (Math.exp(x) - 1),
  },
  spma: {
    make: () => surrogates.spma({ aggregate }),
    f: (x, a) => a * x - (Math.exp(x) - 1 - x),
    df: (x, a) => a - (Math.exp(x) - 1),
  },
  mdpo: {
    make: () => surrogates.mdpo({ aggregate }),
    f: (x, a) => Math.exp(x) * a - (Math.exp(x) * x - Math.exp(x) + 1),
    df: (x, a) => Math.exp(x) * (a - x),
  },
};

export const claim = defineClaim({
  id: 'C12',
  claim:
    'over all completions, weighted by their probability, the token loss is −1/length of the tabular surrogate on the tree of prefixes',
  paper: 'the same functional view, of a policy over tokens (ours)',
  wanted:
    'relative difference at most 1e-6, in the loss and in the gradient, for nine surrogates; reward = count of one token',
  async run({ seeds }) {
    let [values, gradients] = [0, 0];
    for (const seed of seeds) {
      const r = rng(seed).split('claims.C12');
      const draw = (): Float32Array => Float32Array.from({ length: prefixes * V }, () => 0.5 * r.normal());
      const [old, now] = [draw(), draw()];
      const A = advantages(old);
      for (const { make, f, df } of Object.values(formulas)) {
        const table = tabular(old, now, A, f, df);
        const tokens = tokenLoss(old, now, A, make());
        values = Math.max(values, Math.abs(tokens.loss + table.value / T) / Math.abs(table.value / T));
        const size = Math.max(...table.gradient.map(Math.abs)) / T;
        for (const [i, g] of tokens.gradient.entries())
          gradients = Math.max(gradients, Math.abs(g + (table.gradient[i] as number) / T) / size);
      }
    }
    return {
      measured: `loss ${values.toExponential(1)}, gradient ${gradients.toExponential(1)}, over ${count} completions, ${Object.keys(formulas).length} surrogates`,
      verdict: values <= 1e-6 && gradients <= 1e-6 ? 'holds' : 'fails',
    };
  },
});

function logSoftmaxRow(z: Float32Array, s: number): Float64Array {
  const row = Float64Array.from(z.subarray(s * V, (s + 1) * V));
  const shift = Math.log(row.reduce((t, x) => t + Math.exp(x), 0));
  return row.map((x) => x - shift);
}

/** Of the policy `old` where each token `target` pays 1, at every prefix: Q − V, γ = 1. */
function advantages(old: Float32Array): Float32Array {
  const values = new Float64Array(prefixes);
  const A = new Float32Array(prefixes * V);
  for (let s = prefixes - 1; s >= 0; s--) {
    const length = starts.findLastIndex((start) => s >= start);
    const child = (a: number): number => (length + 1 < T ? (values[childOf(s, length, a)] as number) : 0);
    const q = Float64Array.from({ length: V }, (_, a) => Number(a === target) + child(a));
    const p = logSoftmaxRow(old, s).map(Math.exp);
    values[s] = q.reduce((sum, x, a) => sum + x * (p[a] as number), 0);
    for (let a = 0; a < V; a++) A[s * V + a] = (q[a] as number) - (values[s] as number);
  }
  return A;
}

/** The prefix that token `a` makes of prefix `s`. */
const childOf = (s: number, length: number, a: number): number =>
  (starts[length + 1] as number) + (s - (starts[length] as number)) * V + a;

/** Float64, by walking the tree: d(s) is the probability of reaching a prefix. */
function tabular(
  old: Float32Array,
  now: Float32Array,
  A: Float32Array,
  f: (x: number, a: number) => number,
  df: (x: number, a: number) => number,
): { value: number; gradient: Float64Array } {
  const reach = new Float64Array(prefixes);
  reach[0] = 1;
  const gradient = new Float64Array(prefixes * V);
  let value = 0;
  for (let s = 0; s < prefixes; s++) {
    const length = starts.findLastIndex((start) => s >= start);
    const [before, after] = [logSoftmaxRow(old, s), logSoftmaxRow(now, s)];
    let total = 0;
    for (let a = 0; a < V; a++) {
      const weight = (reach[s] as number) * Math.exp(before[a] as number);
      const x = (after[a] as number) - (before[a] as number);
      value += weight * f(x, A[s * V + a] as number);
      const slope = weight * df(x, A[s * V + a] as number);
      gradient[s * V + a] = slope;
      total += slope;
      if (length + 1 < T) reach[childOf(s, length, a)] = weight;
    }
    for (let a = 0; a < V; a++)
      gradient[s * V + a] = (gradient[s * V + a] as number) - Math.exp(after[a] as number) * total;
  }
  return { value, gradient };
}

/**
 * The library's loss on rows of tokens: of batches of completions, the batches summed in float64 by their weight. Over
 * all at once the rows of short prefixes would sum thousands of float32 terms one after the other.
 */
function tokenLoss(
  old: Float32Array,
  now: Float32Array,
  A: Float32Array,
  surrogate: Surrogate,
): { loss: number; gradient: Float64Array } {
  const [rows, actions] = [new Int32Array(count * T), new Int32Array(count * T)];
  const [oldLogProbs, advantages, mask] = [
    new Float32Array(count * T),
    new Float32Array(count * T),
    new Float32Array(count * T),
  ];
  for (let k = 0; k < count; k++) {
    let [code, logP] = [0, 0];
    for (let t = 0; t < T; t++) {
      const token = Math.floor(k / V ** (T - 1 - t)) % V;
      const [i, s] = [k * T + t, (starts[t] as number) + code];
      rows[i] = s;
      actions[i] = token;
      oldLogProbs[i] = logSoftmaxRow(old, s)[token] as number;
      advantages[i] = A[s * V + token] as number;
      logP += logSoftmaxRow(old, s)[token] as number;
      code = code * V + token;
    }
    mask.fill(Math.exp(logP), k * T, (k + 1) * T);
  }
  const total = { loss: 0, weight: 0, gradient: new Float64Array(prefixes * V) };
  for (let from = 0; from < count; from += batch) {
    const part = <A extends Int32Array | Float32Array>(all: A): A => all.slice(from * T, (from + batch) * T) as A;
    const weights = part(mask);
    const weight = weights.reduce((sum, w) => sum + w, 0);
    const shape: [number, number] = [batch, T];
    tidy(() => {
      const { value, grads } = valueAndGrad((p: Params): Scalar => {
        const picked = mul(
          logSoftmax(gather(p.z as Tensor, tensor1d(part(rows), 'int32'))),
          oneHot(tensor1d(part(actions), 'int32'), V),
        );
        return surrogate({
          logProbs: reshape(sum(picked, -1), shape),
          oldLogProbs: tensor2d(part(oldLogProbs), shape),
          advantages: tensor2d(part(advantages), shape),
          mask: tensor2d(weights, shape),
        }).loss;
      })({ z: tensor2d(now, [prefixes, V]) as Tensor2D });
      total.loss += weight * (value.dataSync<'float32'>()[0] as number);
      const gradient = (grads.z as Tensor).dataSync<'float32'>();
      for (const [i, g] of gradient.entries()) total.gradient[i] = (total.gradient[i] as number) + weight * g;
    });
    total.weight += weight;
  }
  return { loss: total.loss / total.weight, gradient: total.gradient.map((g) => g / total.weight) };
}
