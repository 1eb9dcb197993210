import { defineClaim } from '../../reproduce/claim.ts';
import { type BySeed, Gates, measureAll, valueIn } from './internal/measured.ts';

/** A measure of samples of the fitted normal distribution. */
const of = (objective: string, name: string) => (f: BySeed) => valueIn(f, objective, `${name}(gaussian-fit)`);
const gap = (other: string) => (f: BySeed) => of('rtt', 'distinctValid')(f) - of(other, 'distinctValid')(f);

export const claim = defineClaim({
  id: 'E5',
  claim: 'diversity: one vector has many wordings of one meaning, and the space has more different sentences',
  paper: 'round trips outperform plain and denoising autoencoders; no table was obtained',
  wanted:
    'distinct paraphrases rtt ≥ .90, ae ≤ .35; rtt meaning kept ≥ .65; distinctValid: rtt − ae ≥ .10, rtt − dae ≥ 0; different bigrams, self-BLEU and slot entropies reported',
  seeds: [0, 1, 2],
  async run(c) {
    const all = await measureAll(['ae', 'dae', 'rtt'], c);
    return new Gates(c.seeds, all)
      .number('rtt paraphrases distinct', (f) => valueIn(f, 'rtt', 'paraphrasesDistinct'), { least: 0.9 })
      .number('ae', (f) => valueIn(f, 'ae', 'paraphrasesDistinct'), { most: 0.35 })
      .number('rtt meaning kept', (f) => valueIn(f, 'rtt', 'paraphrasesKept'), { least: 0.65 })
      .number('distinctValid rtt − ae', gap('ae'), { least: 0.1 })
      .number('rtt − dae', gap('dae'), { least: 0 })
      .number('dae paraphrases distinct', (f) => valueIn(f, 'dae', 'paraphrasesDistinct'))
      .number('dae meaning kept', (f) => valueIn(f, 'dae', 'paraphrasesKept'))
      .number('distinct bigrams rtt', of('rtt', 'distinct2'))
      .number('ae', of('ae', 'distinct2'))
      .number('dae', of('dae', 'distinct2'))
      .number('self-BLEU rtt', of('rtt', 'selfBleu'))
      .number('ae', of('ae', 'selfBleu'))
      .number('dae', of('dae', 'selfBleu'))
      .number('slot entropy ratio rtt', of('rtt', 'slotEntropyRatio'))
      .number('ae', of('ae', 'slotEntropyRatio'))
      .number('dae', of('dae', 'slotEntropyRatio'))
      .result();
  },
});
