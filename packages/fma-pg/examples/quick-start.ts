import { evaluatePolicy, mdps, tabularFmaPg } from '@gimbal/fma-pg';

// 4 × 5 states along a cliff: −100 for falling, +1 at the goal, discount .9; the best return is .9⁶ = .531
const mdp = mdps.cliffWorld();
for (const method of ['smdpo', 'mdpo'] as const) {
  const run = tabularFmaPg(mdp, { method, eta: 1, inner: { kind: 'closed-form' }, iterations: 700 });
  for (const { iteration, J, policy } of run) {
    if (J < 0.99 * 0.9 ** 6) continue;
    const { d } = evaluatePolicy(mdp, policy);
    console.log(
      `${method}: return ${J.toFixed(3)} after ${iteration} steps, ${d[20]?.toFixed(2)} of the time at the end`,
    );
    break;
  }
}
