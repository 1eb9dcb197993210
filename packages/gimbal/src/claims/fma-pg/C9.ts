// The sampled sMDPO step of a bandit is linear reward-inaction.
import { banditUpdate } from '@gimbal/fma-pg';
import { rng } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';

export const claim = defineClaim({
  id: 'C9',
  claim:
    'from one sampled arm the softmax step is p + ηr(e_a − p): no normaliser, bounded for every p_a; the direct one is not',
  paper: 'forward against reverse KL: 1 + ηA against exp(ηA) with A estimated by importance sampling',
  wanted:
    'equal to 1e-12; an arm of probability 1e-6 that pays once moves to η under the softmax step, to 1 under the direct one',
  async run({ seeds }) {
    let most = 0;
    for (const seed of seeds) {
      const r = rng(seed).split('claims.C9');
      for (let i = 0; i < 1000; i++) {
        const weights = Float64Array.from({ length: 2 + r.int(9) }, () => Math.exp(3 * r.normal()));
        const total = weights.reduce((a, b) => a + b);
        const p = weights.map((w) => w / total);
        const [arm, reward, eta] = [r.int(p.length), r.uniform(), 0.99 * r.uniform() + 0.005];
        const logP = p.map(Math.log);
        banditUpdate('smdpo', logP, arm, reward, eta);
        // p ⊙ (1 + ηÂ), Â_b = r(1{b = a}/p_a − 1)
        for (const [b, q] of p.entries()) {
          const advantage = reward * ((b === arm ? 1 : 0) / q - 1);
          most = Math.max(most, Math.abs(Math.exp(logP[b] as number) - q * (1 + eta * advantage)));
        }
      }
    }
    const after = (rule: 'smdpo' | 'mdpo'): number => {
      const logP = Float64Array.of(Math.log(1e-6), Math.log1p(-1e-6));
      banditUpdate(rule, logP, 0, 1, 0.1);
      return Math.exp(logP[0] as number);
    };
    const [softmax, direct] = [after('smdpo'), after('mdpo')];
    return {
      measured: `largest difference ${most.toExponential(1)}; the rare arm moves to ${softmax.toFixed(6)} and ${direct.toFixed(6)}`,
      verdict: most <= 1e-12 && softmax <= 0.11 && direct > 0.999 ? 'holds' : 'fails',
    };
  },
});
