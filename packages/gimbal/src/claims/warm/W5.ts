// The average against the member that one would pick.
import type { Params } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { accuracy, average, margins, membersOf, pairsOf } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W5',
  claim: 'the average is not worse out of distribution than the best member, picked on pairs set aside',
  paper: 'figure 10: best-to-worst order',
  wanted: 'WA − picked member ≥ −.010, 25 % of labels swapped',
  seeds: [0, 1, 2, 3],
  async run({ seeds, signal }) {
    const gains: number[] = [];
    for (const seed of seeds) {
      const members = await membersOf(seed, { config: 'S', swap: 0.25 }, signal);
      const { selection, test } = pairsOf(seed, 0.25);
      const ranks = members.map((m) => accuracy(margins(m, selection)));
      const best = members[ranks.indexOf(Math.max(...ranks))] as Params;
      gains.push(accuracy(margins(average(members), test)) - accuracy(margins(best, test)));
    }
    return verdict(`WA − best member ${signed(mean(gains))}`, gains, { '≥ −.010': mean(gains) >= -0.01 });
  },
});
