import { defineClaim } from '../../reproduce/claim.ts';
import { type BySeed, Gates, measureAll, valueIn } from './internal/measured.ts';

const gap = (a: string, b: string, name: string) => (f: BySeed) => valueIn(f, a, name) - valueIn(f, b, name);
const [gaussian, uniform] = ['validPrior(gaussian-fit)', 'validPrior(uniform)'];

export const claim = defineClaim({
  id: 'E4',
  claim: 'fluency: near codes, and at random, the decoder of round-trip training writes more sentences than the others',
  paper: 'round trips outperform plain and denoising autoencoders; no table was obtained',
  wanted:
    'rtt − ae: validAt(.5) ≥ .04, validAt(1) ≥ .15, gaussian ≥ .10 (rtt ≥ .93), uniform ≥ .08; rtt − dae: validAt(1) ≥ .10, uniform ≥ .08',
  seeds: [0, 1, 2],
  async run(c) {
    const all = await measureAll(['ae', 'dae', 'rtt'], c);
    return new Gates(c.seeds, all)
      .number('rtt − ae validAt(.5)', gap('rtt', 'ae', 'validAt(0.5)'), { least: 0.04 })
      .number('validAt(1)', gap('rtt', 'ae', 'validAt(1)'), { least: 0.15 })
      .number('gaussian', gap('rtt', 'ae', gaussian), { least: 0.1 })
      .number('rtt gaussian', (f) => valueIn(f, 'rtt', gaussian), { least: 0.93 })
      .number('rtt − ae uniform', gap('rtt', 'ae', uniform), { least: 0.08 })
      .number('rtt − dae validAt(1)', gap('rtt', 'dae', 'validAt(1)'), { least: 0.1 })
      .number('rtt − dae uniform', gap('rtt', 'dae', uniform), { least: 0.08 })
      .result();
  },
});
