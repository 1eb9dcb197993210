// A control word, against learning from the judge.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { controls, summariser, supervised } from './internal/supervised.ts';

export const claim = defineClaim({
  id: 'E7',
  claim: 'asking for an entailed summary by a control word helps, less than learning from the judge does',
  paper: 'table 1: SL 63.9, CTRL 71.6, RLEF 94.7 % (XXL)',
  wanted: 'at T = 1: entailed, where it is asked for, > summariser + .05 and < RLEF',
  fullOnly: true,
  seeds: [0, 1],
  async run({ seeds, signal }) {
    const { params: sl } = await summariser(signal);
    const base = (await measure(sl, { temperature: 1, signal })).entailed;
    const [asked, not, rlef]: number[][] = [[], [], []];
    for (const seed of seeds) {
      const { params } = await supervised({ seed, controlled: true }, signal);
      asked?.push((await measure(params, { temperature: 1, signal, before: [controls.entailed] })).entailed);
      not?.push((await measure(params, { temperature: 1, signal, before: [controls.not] })).entailed);
      const learnt = await withOracle(0.1, seed, signal);
      rlef?.push((await measure(learnt.params, { temperature: 1, signal })).entailed);
    }
    const [a, b, c] = [asked, not, rlef].map((v) => mean(v ?? [])) as [number, number, number];
    const text = `asked for ${a.toFixed(3)}, the opposite asked for ${b.toFixed(3)}, summariser ${base.toFixed(3)}, RLEF ${c.toFixed(3)}`;
    return verdict(text, asked ?? [], { '> summariser + .05': a > base + 0.05, '< RLEF': a < c });
  },
});
