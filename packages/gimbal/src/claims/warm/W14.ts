// More members, and the weight of the KL.
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean, signed } from '../../reproduce/verdict.ts';
import { average, membersOf } from './internal/experiment.ts';
import { resultOf, search } from './internal/policy-search.ts';

export const claim = defineClaim({
  id: 'W14',
  claim: 'ten members against six, and three weights of the KL: the peak of the oracle and the KL there',
  paper: '§5.2, figure 8: ten members delay hacking and do not raise the peak; the best weight is lower for WARM',
  wanted: 'reported',
  fullOnly: true,
  seeds: [0, 1, 2, 3],
  async run({ seeds, signal }) {
    const gains: number[] = [];
    const lines: string[] = [];
    for (const alpha of [0.001, 0.003, 0.01]) {
      const of: Record<number, { peak: number[]; kl: number[] }> = {
        6: { peak: [], kl: [] },
        10: { peak: [], kl: [] },
      };
      for (const seed of seeds) {
        const members = await membersOf(seed, { config: 'S', swap: 0.25, count: 10 }, signal);
        for (const M of [6, 10]) {
          const { peak, peakKl } = resultOf(await search(average(members.slice(0, M)), seed, alpha, signal));
          of[M]?.peak.push(peak);
          of[M]?.kl.push(peakKl);
        }
        if (alpha === 0.003) gains.push((of[10]?.peak.at(-1) as number) - (of[6]?.peak.at(-1) as number));
      }
      const two = (M: number): string =>
        `${mean(of[M]?.peak ?? []).toFixed(2)} at KL ${mean(of[M]?.kl ?? []).toFixed(1)}`;
      lines.push(`α ${alpha}: six ${two(6)}, ten ${two(10)}`);
    }
    const measured = `peak of ten less six ${signed(mean(gains))}; ${lines.join('; ')}`;
    return { measured, ...intervalOf(gains), verdict: 'reported' };
  },
});
