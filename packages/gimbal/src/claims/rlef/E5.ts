// Filtering the training data, against learning from the judge.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { summariser, supervised } from './internal/supervised.ts';

export const claim = defineClaim({
  id: 'E5',
  claim: 'training on true references only makes more summaries true, learning from the judge far more',
  paper: 'table 1: SL 63.9, filtered 74.5, RLEF 94.7 % (XXL)',
  wanted: 'at T = 1: RLEF − filtered ≥ .30, filtered ≥ summariser + .08; filtered by the oracle, 2000 steps',
  seeds: [0, 1],
  async run({ seeds, signal }) {
    const { params: sl } = await summariser(signal);
    const base = (await measure(sl, { temperature: 1, signal })).entailed;
    const [rlef, filtered, greedy, share]: number[][] = [[], [], [], []];
    for (const seed of seeds) {
      const { params, notes } = await supervised({ steps: 2000, seed, filtered: true }, signal);
      filtered?.push((await measure(params, { temperature: 1, signal })).entailed);
      greedy?.push((await measure(params, { temperature: 0, signal })).entailed);
      share?.push(notes.keptShare ?? Number.NaN);
      const learnt = await withOracle(0.1, seed, signal);
      rlef?.push((await measure(learnt.params, { temperature: 1, signal })).entailed);
    }
    const [a, b, c, d] = [rlef, filtered, greedy, share].map((v) => mean(v ?? [])) as [number, number, number, number];
    const gains = (rlef ?? []).map((x, i) => x - (filtered?.[i] ?? Number.NaN));
    const text = `summariser ${base.toFixed(3)}, filtered ${b.toFixed(3)} (of ${(100 * d).toFixed(0)} % of the references; greedy ${c.toFixed(3)}), RLEF ${a.toFixed(3)}`;
    return verdict(text, gains, {
      'RLEF − filtered ≥ .30': a - b >= 0.3,
      'filtered ≥ summariser + .08': b >= base + 0.08,
    });
  },
});
