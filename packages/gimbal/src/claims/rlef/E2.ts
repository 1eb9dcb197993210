// RLEF with a good judge.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { summariser } from './internal/supervised.ts';

export const claim = defineClaim({
  id: 'E2',
  claim: 'reinforcement learning from entailment makes nearly all summaries true',
  paper: 'table 1: entailed 63.9 → 94.7 % (XXL)',
  wanted: 'entailed ≥ .85 at T = 1 and ≥ .95 greedy; α = .1, 250 updates',
  seeds: [0, 1, 2],
  async run({ seeds, signal, note }) {
    const { params: sl } = await summariser(signal);
    const [before, beforeGreedy] = [
      await measure(sl, { temperature: 1, signal }),
      await measure(sl, { temperature: 0, signal }),
    ];
    note(`summariser: entailed ${before.entailed.toFixed(3)}, greedy ${beforeGreedy.entailed.toFixed(3)}`);
    const [sampled, greedy, kl]: number[][] = [[], [], []];
    for (const seed of seeds) {
      const { params, notes } = await withOracle(0.1, seed, signal);
      sampled?.push((await measure(params, { temperature: 1, signal })).entailed);
      greedy?.push((await measure(params, { temperature: 0, signal })).entailed);
      kl?.push(notes.kl ?? Number.NaN);
      note(`seed ${seed}: entailed ${sampled?.at(-1)?.toFixed(3)}, greedy ${greedy?.at(-1)?.toFixed(3)}`);
    }
    const [a, b, c] = [sampled, greedy, kl].map((values) => mean(values ?? [])) as [number, number, number];
    const text = `${a.toFixed(3)} at T = 1 (summariser ${before.entailed.toFixed(3)}), ${b.toFixed(3)} greedy (${beforeGreedy.entailed.toFixed(3)}), KL ${c.toFixed(2)}`;
    return verdict(text, sampled ?? [], { '≥ .85 at T = 1': a >= 0.85, '≥ .95 greedy': b >= 0.95 });
  },
});
