// Sampled policy gradient: y from π, y' from the mixture, one comparison each.
import { dualityGap, geometricMixture } from '@gimbal/nash-md';
import { type Rng, rng } from '@gimbal/tensor-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { circle } from './internal/games.ts';

const [batch, tau, learningRate, steps] = [32, 0.05, 0.2, 6000];
const game = circle(tau);
const n = game.P.n;

export const claim = defineClaim({
  id: 'N8',
  claim:
    'with sampled responses small mixture weights stay close to the equilibrium and the best response to μ does not',
  paper: 'section 8: small mixture coefficients do best, β = 1 is worst',
  wanted: 'gap, mean of the last quarter of 6000 updates and 5 seeds: β 0 ≤ .04, .125 ≤ .07, .25 in [.09, .18], 1 ≥ .6',
  seeds: [0, 1, 2, 3, 4],
  async run({ seeds, signal }) {
    const checks = new Checks();
    const gaps: number[] = [];
    for (const beta of [0, 0.125, 0.25, 1]) {
      const found: number[] = [];
      for (const seed of seeds) {
        await breathe(signal);
        found.push(train(beta, rng(seed).split('claims.N8')));
      }
      gaps.push(mean(found));
    }
    const [none, small, quarter, all] = gaps as [number, number, number, number];
    checks.most('β = 0', none, 0.04);
    checks.most('β = .125', small, 0.07);
    checks.least('β = .25', quarter, 0.09);
    checks.most('β = .25', quarter, 0.18);
    checks.least('β = 1', all, 0.6);
    return checks.result(`gaps ${gaps.map((gap) => gap.toFixed(3)).join(', ')}`);
  },
});

/** Mean gap over the last quarter of a run. */
function train(beta: number, r: Rng): number {
  const [first, second] = [r.split('policy'), r.split('opponent')];
  const logits = game.ref.map(Math.log);
  let policy: Float64Array = game.ref.slice();
  let total = 0;
  for (let t = 0; t < steps; t++) {
    const opponent = geometricMixture(policy, game.ref, beta);
    const gradient = new Float64Array(n);
    for (let b = 0; b < batch; b++) {
      const [y, other] = [draw(policy, first), draw(opponent, second)];
      // ∇log π(y) (P(y ≻ y') − ½ − τ log π(y)/μ(y))
      const logRatio = Math.log((policy[y] as number) / (game.ref[y] as number));
      const advantage = ((game.P.p[y * n + other] as number) - 0.5 - tau * logRatio) / batch;
      for (let i = 0; i < n; i++)
        gradient[i] = (gradient[i] as number) + advantage * ((i === y ? 1 : 0) - (policy[i] as number));
    }
    for (let i = 0; i < n; i++) logits[i] = (logits[i] as number) + learningRate * (gradient[i] as number);
    policy = softmax(logits);
    if (t >= 0.75 * steps) total += dualityGap(game, policy);
  }
  return total / (0.25 * steps);
}

function softmax(z: Float64Array): Float64Array {
  const most = Math.max(...z);
  const e = z.map((v) => Math.exp(v - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

function draw(p: Float64Array, r: Rng): number {
  let left = r.uniform();
  for (let i = 0; i < p.length - 1; i++) {
    left -= p[i] as number;
    if (left < 0) return i;
  }
  return p.length - 1;
}
