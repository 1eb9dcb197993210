// The order in which members join the average.
import type { Params } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { accuracy, average, margins, membersOf, pairsOf } from './internal/experiment.ts';

const pool = 10;

export const claim = defineClaim({
  id: 'W10',
  claim:
    'averaging the best members first is at least as accurate as averaging the worst first, for every number of them',
  paper: 'appendix B.3, figure 10: best to worst is a good order',
  wanted:
    'best first ≥ worst first at every M < 10, equal at M = 10; ten members of configuration D, 25 % of labels swapped',
  seeds: [0, 1, 2, 3],
  async run({ seeds, signal }) {
    const sizes = Array.from({ length: pool }, (_, i) => i + 1);
    const [best, worst] = [sizes.map((): number[] => []), sizes.map((): number[] => [])];
    for (const seed of seeds) {
      const members = await membersOf(seed, { config: 'D', swap: 0.25, count: pool }, signal);
      const { selection, test } = pairsOf(seed, 0.25);
      const ranks = members.map((m) => accuracy(margins(m, selection)));
      const order = members.map((_, i) => i).sort((a, b) => (ranks[b] as number) - (ranks[a] as number) || a - b);
      const of = (indices: readonly number[]): number => {
        const some = [...indices].sort((a, b) => a - b).map((i) => members[i] as Params);
        return accuracy(margins(some.length === 1 ? (some[0] as Params) : average(some), test));
      };
      for (const [i, M] of sizes.entries()) {
        best[i]?.push(of(order.slice(0, M)));
        worst[i]?.push(of(order.slice(-M)));
      }
    }
    const [high, low] = [best.map(mean), worst.map(mean)];
    const text = sizes.map((M, i) => `${M}: ${(high[i] as number).toFixed(3)} and ${(low[i] as number).toFixed(3)}`);
    const gains = (best[1] ?? []).map((x, i) => x - (worst[1]?.[i] ?? Number.NaN));
    return verdict(`best first and worst first, M ${text.join(', ')}`, gains, {
      'at every M < 10': high.slice(0, -1).every((x, i) => x >= (low[i] as number)),
      'equal at 10': high.at(-1) === low.at(-1),
    });
  },
});
