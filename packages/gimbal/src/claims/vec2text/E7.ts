import { defineClaim } from '../../reproduce/claim.ts';
import { Gates, measureAll, valueIn } from './internal/measured.ts';

export const claim = defineClaim({
  id: 'E7',
  claim: 'a mixture of half autoencoding and half round trips lies between: some wording kept, some structure',
  paper: 'not measured there (ours)',
  wanted: 'triplet between ae and rtt; exactMatch ≥ 5 × rtt; retrieval ≥ .80',
  seeds: [0, 1, 2],
  async run(c) {
    const all = await measureAll(['ae', 'rtt', 'mix'], c);
    const triplet = 'tripletAccuracy';
    return new Gates(c.seeds, all)
      .number('triplet mix − ae', (f) => valueIn(f, 'mix', triplet) - valueIn(f, 'ae', triplet), { least: 0 })
      .number('rtt − mix', (f) => valueIn(f, 'rtt', triplet) - valueIn(f, 'mix', triplet), { least: 0 })
      .number('exactMatch mix − 5 rtt', (f) => valueIn(f, 'mix', 'exactMatch') - 5 * valueIn(f, 'rtt', 'exactMatch'), {
        least: 0,
      })
      .number('retrieval', (f) => valueIn(f, 'mix', 'paraphraseRetrieval'), { least: 0.8 })
      .number('triplet mix', (f) => valueIn(f, 'mix', triplet))
      .number('exactMatch mix', (f) => valueIn(f, 'mix', 'exactMatch'))
      .result();
  },
});
