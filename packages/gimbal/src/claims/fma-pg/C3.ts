// Gradients of all surrogates against finite differences; at the policy itself they are the policy gradient.
import { evaluatePolicy, surrogateGradient, type TabularMdp, tabularMethods } from '@gimbal/fma-pg';
import { rng } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { cliff, etaOf, sea } from './internal/tabular.ts';

const h = 1e-5;

export const claim = defineClaim({
  id: 'C3',
  claim:
    'every surrogate has the gradient (1 − γ)∇J at the policy it was made at: fixed points are stationary points of J',
  paper: 'consistency of the surrogate (section 3)',
  wanted:
    'relative error of gradients ≤ 1e-7, by central differences (at the policy without MPO, whose weights are equal to first order alone)',
  async run({ seeds }) {
    let [elsewhere, here] = [0, 0];
    for (const seed of seeds) {
      for (const { mdp } of [cliff, sea]) {
        const r = rng(seed).split('claims.C3');
        const draw = (): Float64Array => Float64Array.from({ length: mdp.S * mdp.A }, () => r.normal());
        const [z, other] = [draw(), draw()];
        const anchor = softmax(mdp, z);
        const J = differences((x) => evaluatePolicy(mdp, softmax(mdp, x)).J, z).map((g) => (1 - mdp.gamma) * g);
        for (const method of tabularMethods) {
          const o = { method, ...etaOf(method, 0.7) };
          const { gradient } = surrogateGradient(mdp, anchor, other, o);
          const numeric = differences((x) => surrogateGradient(mdp, anchor, x, o).value, other);
          elsewhere = Math.max(elsewhere, distance(gradient, numeric));
          if (method !== 'mpo') here = Math.max(here, distance(surrogateGradient(mdp, anchor, z, o).gradient, J));
        }
      }
    }
    return {
      measured: `${elsewhere.toExponential(1)} anywhere, ${here.toExponential(1)} from (1 − γ)∇J at the policy`,
      verdict: Math.max(elsewhere, here) <= 1e-7 ? 'holds' : 'fails',
    };
  },
});

function softmax({ A }: TabularMdp, z: Float64Array): Float64Array {
  const p = z.map(Math.exp);
  for (let at = 0; at < p.length; at += A) {
    const total = p.subarray(at, at + A).reduce((a, b) => a + b);
    for (let i = at; i < at + A; i++) p[i] = (p[i] as number) / total;
  }
  return p;
}

function differences(f: (z: Float64Array) => number, z: Float64Array): Float64Array {
  return z.map((x, i) => {
    const [up, down] = [z.slice(), z.slice()];
    up[i] = x + h;
    down[i] = x - h;
    return (f(up) - f(down)) / (2 * h);
  });
}

const distance = (a: Float64Array, b: Float64Array): number =>
  Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number)))) / Math.max(...b.map(Math.abs));
