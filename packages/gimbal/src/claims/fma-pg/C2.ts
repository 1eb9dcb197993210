// The surrogate is a lower bound of J below the step size's bound, and not far above it.
import { etaBound, evaluatePolicy, surrogateBound } from '@gimbal/fma-pg';
import { rng } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { randomMdp, randomPolicy } from './internal/random-mdp.ts';

const discounts = [0.5, 0.9, 0.99] as const;

export const claim = defineClaim({
  id: 'C2',
  claim: 'ℓ(π) ≤ J(π) for every policy where η ≤ its bound, for logits and for probabilities; not at ten times it',
  paper: 'proposition on relative smoothness: η ≤ (1 − γ)/range (softmax), (1 − γ)³/(2γ|A| range) (direct)',
  wanted: '0 violations at the bounds, more than 1 % at ten times the softmax bound',
  async run({ seeds, full }) {
    const pairs = full ? 60_000 : 6000;
    let [softmax, direct, beyond] = [0, 0, 0];
    for (const seed of seeds) {
      const stream = rng(seed).split('claims.C2');
      for (let i = 0; i < pairs; i++) {
        const r = stream.split(i);
        const gamma = discounts[i % discounts.length] as number;
        const mdp = randomMdp(r, gamma);
        const [policy, anchor] = [randomPolicy(mdp, r), randomPolicy(mdp, r)];
        const { J } = evaluatePolicy(mdp, policy);
        const breaks = (representation: 'softmax' | 'direct', factor: number): number => {
          const eta = factor * etaBound(mdp, representation);
          return surrogateBound(mdp, representation, policy, anchor, eta) > J + 1e-9 ? 1 : 0;
        };
        softmax += breaks('softmax', 1);
        direct += breaks('direct', 1);
        beyond += breaks('softmax', 10);
      }
    }
    const share = beyond / (pairs * seeds.length);
    return {
      measured: `${softmax} (softmax) and ${direct} (direct) of ${pairs * seeds.length}; at ten times ${(100 * share).toFixed(1)} %`,
      verdict: softmax === 0 && direct === 0 && share > 0.01 ? 'holds' : 'fails',
    };
  },
});
