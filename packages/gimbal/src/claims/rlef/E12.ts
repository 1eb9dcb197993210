// Faithful is not copied.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { summariser } from './internal/supervised.ts';

export const claim = defineClaim({
  id: 'E12',
  claim: 'the gain is no mere copying: summaries keep words of their own',
  paper: 'table 1: density .79 → .98',
  wanted: 'at T = 1: synonyms are .15 to .85 of the verbs, density ≤ 2.5; α = .1',
  seeds: [0, 1],
  async run({ seeds, signal }) {
    const before = await measure((await summariser(signal)).params, { temperature: 1, signal });
    const [synonyms, density]: [number[], number[]] = [[], []];
    for (const seed of seeds) {
      const after = await measure((await withOracle(0.1, seed, signal)).params, { temperature: 1, signal });
      synonyms.push(after.synonyms);
      density.push(after.density);
    }
    const [a, b] = [mean(synonyms), mean(density)];
    const text = `synonyms ${before.synonyms.toFixed(3)} → ${a.toFixed(3)}, density ${before.density.toFixed(2)} → ${b.toFixed(2)}`;
    return verdict(text, synonyms, {
      'synonyms within .15 and .85': a >= 0.15 && a <= 0.85,
      'density ≤ 2.5': b <= 2.5,
    });
  },
});
