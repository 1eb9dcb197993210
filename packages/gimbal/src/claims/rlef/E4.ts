// What faithfulness costs.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { summariser } from './internal/supervised.ts';

export const claim = defineClaim({
  id: 'E4',
  claim:
    'true summaries are shorter, nearer to the article’s words and no closer to the references, which are often false; their quality rises',
  paper: 'table 1: 21.7 → 17.7 tokens, coverage 68.9 → 75.0, ROUGE-1 45.3 → 41.8',
  wanted: 'at T = 1 tokens down ≥ 1 and coverage up ≥ .10; greedy ROUGE-1 does not rise, greedy r* rises ≥ 1.5; α = .1',
  seeds: [0, 1, 2],
  async run({ seeds, signal }) {
    const { params: sl } = await summariser(signal);
    const before = {
      sampled: await measure(sl, { temperature: 1, signal }),
      greedy: await measure(sl, { temperature: 0, signal }),
    };
    const after = { tokens: [] as number[], coverage: [] as number[], rouge: [] as number[], quality: [] as number[] };
    for (const seed of seeds) {
      const { params } = await withOracle(0.1, seed, signal);
      const sampled = await measure(params, { temperature: 1, signal });
      const greedy = await measure(params, { temperature: 0, signal });
      after.tokens.push(sampled.tokens);
      after.coverage.push(sampled.coverage);
      after.rouge.push(greedy.rouge);
      after.quality.push(greedy.quality);
    }
    const [tokens, coverage, rouge, quality] = [after.tokens, after.coverage, after.rouge, after.quality].map(mean) as [
      number,
      number,
      number,
      number,
    ];
    const { sampled, greedy } = before;
    const text = `tokens ${sampled.tokens.toFixed(2)} → ${tokens.toFixed(2)}, coverage ${sampled.coverage.toFixed(3)} → ${coverage.toFixed(3)}, ROUGE-1 ${greedy.rouge.toFixed(3)} → ${rouge.toFixed(3)}, r* ${greedy.quality.toFixed(2)} → ${quality.toFixed(2)}`;
    return verdict(text, after.quality, {
      'tokens down ≥ 1': sampled.tokens - tokens >= 1,
      'coverage up ≥ .10': coverage - sampled.coverage >= 0.1,
      'ROUGE-1 does not rise': rouge <= greedy.rouge,
      'r* rises ≥ 1.5': quality - greedy.quality >= 1.5,
    });
  },
});
