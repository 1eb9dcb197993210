// What was memorised of swapped labels: the average against the ensemble, on training pairs.
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean, signed } from '../../reproduce/verdict.ts';
import { accuracy, average, margins, meanOfLists, membersOf, pairsOf } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W6',
  claim:
    'the average memorises no more of the swapped labels than the ensemble of predictions, and gains nothing on clean ones',
  paper: 'observation 3: WA far below ENS on corrupted training labels',
  wanted:
    'WA − ENS on clean training pairs ≤ .003 (gate); on swapped ones reported, raw and against a standardised ensemble',
  seeds: [0, 1, 2, 3, 4, 5, 6, 7],
  async run({ seeds, signal }) {
    const [raw, standardised, clean]: number[][] = [[], [], []];
    for (const seed of seeds) {
      const members = await membersOf(seed, { config: 'D', swap: 0.25 }, signal);
      const { train } = pairsOf(seed, 0.25);
      const lists = members.map((m) => margins(m, train));
      const swapped = (i: number): boolean => train.swapped[i] === 1;
      const wa = margins(average(members), train);
      const ens = meanOfLists(lists);
      const alike = meanOfLists(lists.map((list) => list.map((x) => x / spread(list))));
      raw?.push(accuracy(wa, swapped) - accuracy(ens, swapped));
      standardised?.push(accuracy(wa, swapped) - accuracy(alike, swapped));
      clean?.push(accuracy(wa, (i) => !swapped(i)) - accuracy(ens, (i) => !swapped(i)));
    }
    const [a, b, c] = [raw, standardised, clean].map((values) => mean(values ?? [])) as [number, number, number];
    return {
      measured: `swapped ${signed(a)} raw, ${signed(b)} standardised; clean ${signed(c)}`,
      ...intervalOf(raw ?? []),
      verdict: c > 0.003 ? 'fails' : 'reported',
    };
  },
});

/** Margins have no mean of their own: the root of their mean square. */
const spread = (list: Float64Array): number => Math.sqrt(list.reduce((a, x) => a + x * x, 0) / list.length);
