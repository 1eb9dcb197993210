// The weight of the KL.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { epsilon } from './internal/desk.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { closedForm, samplesOf } from './internal/samples.ts';

const alphas = [0.1, 0.3, 0.5, 0.9];

export const claim = defineClaim({
  id: 'E3',
  claim: 'the weaker the KL holds, the more summaries are entailed; at α = ½ as many as the optimum in closed form',
  paper: 'figure 3: entailed 93.6, 89.2, 85.6, 80.7, 78.6 % at α = .1 … .5',
  wanted:
    'for α = .1, .3, .5, .9: entailed strictly decreasing up to .03, KL decreasing; at .5 within .08 of mean q*(q̂), jackknifed over 64 samples',
  seeds: [0, 1],
  async run({ seeds, signal, note }) {
    const entailed = alphas.map((): number[] => []);
    const kl = alphas.map((): number[] => []);
    for (const seed of seeds) {
      for (const [i, alpha] of alphas.entries()) {
        const { params, notes } = await withOracle(alpha, seed, signal);
        entailed[i]?.push((await measure(params, { temperature: 1, signal })).entailed);
        kl[i]?.push(notes.kl ?? Number.NaN);
        note(`α ${alpha}, seed ${seed}: entailed ${entailed[i]?.at(-1)?.toFixed(3)}, KL ${notes.kl?.toFixed(2)}`);
      }
    }
    const { hits } = await samplesOf('closed form', 64, signal);
    const optimum = mean(hits.map((of) => closedForm(of, 0.5, epsilon)));
    const [rates, distances] = [entailed.map(mean), kl.map(mean)];
    const falls = (values: readonly number[], slack: number): boolean =>
      values.every((x, i) => i === 0 || x < (values[i - 1] as number) + slack);
    const text = alphas.map(
      (alpha, i) => `α ${alpha}: ${(rates[i] as number).toFixed(3)}, KL ${(distances[i] as number).toFixed(2)}`,
    );
    return verdict(`${text.join('; ')}; closed form at ½ ${optimum.toFixed(3)}`, entailed[2] ?? [], {
      'entailed falls': falls(rates, 0.03),
      'within .08 of the closed form': Math.abs((rates[2] as number) - optimum) <= 0.08,
      'KL falls': falls(distances, 0),
    });
  },
});
