// First order: the weight average predicts as the ensemble of predictions does.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { accuracy, average, margins, meanOfLists, membersOf, pairsOf } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W3',
  claim: 'the average of six models is as accurate out of distribution as the ensemble of their predictions',
  paper: 'observation 2: WA ≈ ENS',
  wanted: '|WA − ENS| ≤ .01 and WA − ENS ≥ −.005, six members, 25 % of labels swapped',
  seeds: [0, 1, 2, 3],
  async run({ seeds, signal }) {
    const gains: number[] = [];
    for (const seed of seeds) {
      const members = await membersOf(seed, { config: 'S', swap: 0.25 }, signal);
      const { test } = pairsOf(seed, 0.25);
      const ens = meanOfLists(members.map((m) => margins(m, test)));
      gains.push(accuracy(margins(average(members), test)) - accuracy(ens));
    }
    const gain = mean(gains);
    return verdict(`WA − ENS ${signed(gain)}`, gains, {
      'within .01': Math.abs(gain) <= 0.01,
      '≥ −.005': gain >= -0.005,
    });
  },
});
