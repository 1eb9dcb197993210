import { defineClaim } from '../../reproduce/claim.ts';
import { lossOf } from './internal/context-model.ts';
import { type BySeed, Gates, measureAll, valueIn } from './internal/measured.ts';

/** Measures by objective, and what the judge says of held-out sentences. */
interface Found {
  measures: BySeed;
  real: number;
}

const of = (objective: string, name: string) => (f: Found) => valueIn(f.measures, objective, name);
const gap = (a: string, b: string, name: string) => (f: Found) => of(a, name)(f) - of(b, name)(f);
const [gaussian, uniform] = ['validPrior(gaussian-fit)', 'validPrior(uniform)'];

export const claim = defineClaim({
  id: 'E4',
  claim: 'fluency: near codes, and at random, the decoder of round-trip training writes more sentences than the others',
  paper: 'round trips outperform plain and denoising autoencoders; no table was obtained',
  wanted:
    'rtt − ae: validAt(.5) ≥ .04, validAt(1) ≥ .15, gaussian ≥ .10 (rtt ≥ .93), uniform ≥ .08; rtt − dae: validAt(1) ≥ .10, uniform ≥ .08; log-probabilities under a language model reported',
  seeds: [0, 1, 2],
  async run(c) {
    const all = await measureAll(['ae', 'dae', 'rtt'], c);
    const found: Found[] = [];
    for (const [i, seed] of c.seeds.entries())
      found.push({ measures: all[i] as BySeed, real: -(await lossOf(seed, c)) });
    return new Gates(c.seeds, found)
      .number('rtt − ae validAt(.5)', gap('rtt', 'ae', 'validAt(0.5)'), { least: 0.04 })
      .number('validAt(1)', gap('rtt', 'ae', 'validAt(1)'), { least: 0.15 })
      .number('gaussian', gap('rtt', 'ae', gaussian), { least: 0.1 })
      .number('rtt gaussian', of('rtt', gaussian), { least: 0.93 })
      .number('rtt − ae uniform', gap('rtt', 'ae', uniform), { least: 0.08 })
      .number('rtt − dae validAt(1)', gap('rtt', 'dae', 'validAt(1)'), { least: 0.1 })
      .number('rtt − dae uniform', gap('rtt', 'dae', uniform), { least: 0.08 })
      .number('lmScore, nats a token: real sentences', (f) => f.real)
      .number('rtt', of('rtt', 'lmScore'))
      .number('ae', of('ae', 'lmScore'))
      .number('dae', of('dae', 'lmScore'))
      .number('gaussian rtt', of('rtt', 'lmScore(gaussian-fit)'))
      .number('gaussian ae', of('ae', 'lmScore(gaussian-fit)'))
      .number('gaussian dae', of('dae', 'lmScore(gaussian-fit)'))
      .result();
  },
});
