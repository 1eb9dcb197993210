import { defineClaim } from '../../reproduce/claim.ts';
import { Gates, measureAll, valueIn } from './internal/measured.ts';
import { exactMatchCeiling } from './internal/yardsticks.ts';

export const claim = defineClaim({
  id: 'E3',
  claim: 'universality and its price: what round-trip training loses of a meaning is small, of the wording nearly all',
  paper: 'all four properties hold with round trips; no table was obtained',
  wanted:
    'rtt meaningMatch ≥ .95, also from a paraphrase; ae exactMatch ≥ .95; ae − rtt meaningMatch ≤ .04; dae reported',
  seeds: [0, 1, 2],
  async run(c) {
    const all = await measureAll(['ae', 'dae', 'rtt'], c);
    return new Gates(c.seeds, all)
      .number('rtt meaningMatch', (f) => valueIn(f, 'rtt', 'meaningMatch'), { least: 0.95 })
      .number('rtt from a paraphrase', (f) => valueIn(f, 'rtt', 'meaningMatchFromParaphrase'), { least: 0.95 })
      .number('ae exactMatch', (f) => valueIn(f, 'ae', 'exactMatch'), { least: 0.95 })
      .number('ae − rtt meaningMatch', (f) => valueIn(f, 'ae', 'meaningMatch') - valueIn(f, 'rtt', 'meaningMatch'), {
        most: 0.04,
      })
      .number('dae meaningMatch', (f) => valueIn(f, 'dae', 'meaningMatch'))
      .number('dae exactMatch', (f) => valueIn(f, 'dae', 'exactMatch'))
      .number(`rtt exactMatch (ceiling ${exactMatchCeiling.toFixed(4)})`, (f) => valueIn(f, 'rtt', 'exactMatch'))
      .number('ae bleu', (f) => valueIn(f, 'ae', 'bleu'))
      .number('rtt bleu', (f) => valueIn(f, 'rtt', 'bleu'))
      .result();
  },
});
