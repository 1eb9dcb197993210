import { defineClaim } from '../../reproduce/claim.ts';
import { type BySeed, Gates, measureAll, valueIn } from './internal/measured.ts';

const of = (objective: string, name: string) => (f: BySeed) => valueIn(f, objective, name);
const overBest = (name: string) => (f: BySeed) =>
  valueIn(f, 'rtt', name) - Math.max(valueIn(f, 'ae', name), valueIn(f, 'dae', name));

export const claim = defineClaim({
  id: 'E6',
  claim: 'semantic structure: near vectors mean alike after round-trip training, and look alike after the others',
  paper: 'round trips outperform plain and denoising autoencoders; no table was obtained',
  wanted:
    'triplet rtt ≥ .90, ae, dae ≤ .15; retrieval ≥ .97, ≤ .30; latentSts rtt − best other ≥ .10; slots at σ = .75 rtt − best other ≥ .08; interp valid ≥ .95, consistency rtt − ae ≥ .04',
  seeds: [0, 1, 2],
  async run(c) {
    const all = await measureAll(['ae', 'dae', 'rtt'], c);
    return new Gates(c.seeds, all)
      .number('triplet rtt', of('rtt', 'tripletAccuracy'), { least: 0.9 })
      .number('ae', of('ae', 'tripletAccuracy'), { most: 0.15 })
      .number('dae', of('dae', 'tripletAccuracy'), { most: 0.15 })
      .number('retrieval rtt', of('rtt', 'paraphraseRetrieval'), { least: 0.97 })
      .number('retrieval ae', of('ae', 'paraphraseRetrieval'), { most: 0.3 })
      .number('retrieval dae', of('dae', 'paraphraseRetrieval'), { most: 0.3 })
      .number('latentSts over best other', overBest('latentSts'), { least: 0.1 })
      .number('slots at .75 over best other', overBest('robustSlots(0.75)'), { least: 0.08 })
      .number('interp valid', of('rtt', 'interpValid'), { least: 0.95 })
      .number(
        'consistency rtt − ae',
        (f) => valueIn(f, 'rtt', 'interpConsistency') - valueIn(f, 'ae', 'interpConsistency'),
        { least: 0.04 },
      )
      .result();
  },
});
