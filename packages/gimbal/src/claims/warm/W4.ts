// Reliability: the average against its mean member.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { accuracy, average, margins, membersOf, pairsOf } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W4',
  claim:
    'the average of six models is more accurate out of distribution than its mean member, most of all under label noise',
  paper: '§4.2, figure 5: WA above the members, more so with 25 % corruption',
  wanted: 'gain ≥ .010 with 25 % of labels swapped, ≥ .005 with none',
  seeds: [0, 1, 2, 3],
  async run({ seeds, signal }) {
    const gains = { noisy: [] as number[], clean: [] as number[] };
    for (const seed of seeds) {
      for (const [name, swap] of [
        ['noisy', 0.25],
        ['clean', 0],
      ] as const) {
        const members = await membersOf(seed, { config: 'S', swap }, signal);
        const { test } = pairsOf(seed, swap);
        const single = mean(members.map((m) => accuracy(margins(m, test))));
        gains[name].push(accuracy(margins(average(members), test)) - single);
      }
    }
    const [noisy, clean] = [mean(gains.noisy), mean(gains.clean)];
    const text = `${signed(noisy)} with noise, ${signed(clean)} without`;
    return verdict(text, gains.noisy, { 'with noise': noisy >= 0.01, 'without noise': clean >= 0.005 });
  },
});
