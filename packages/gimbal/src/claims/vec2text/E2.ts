import { defineClaim } from '../../reproduce/claim.ts';
import { lossOf } from './internal/context-model.ts';
import { measuresOf } from './internal/experiment.ts';
import { Gates } from './internal/measured.ts';
import { floors } from './internal/yardsticks.ts';

export const claim = defineClaim({
  id: 'E2',
  claim: 'cross-entropies of held-out sentences come near what the generator leaves to chance, and not below it',
  paper: 'no known floors there (ours)',
  wanted: 'nats a token: rtt in [.44, .50]; ae ≤ .03; language model in [1.62, 1.70]',
  quick: true,
  seeds: [0, 1, 2],
  async run(c) {
    const found: { ae: number; rtt: number; lm: number }[] = [];
    for (const seed of c.seeds) {
      const ce = async (objective: 'ae' | 'rtt'): Promise<number> =>
        (await measuresOf({ objective, seed }, c)).ce?.value as number;
      found.push({ ae: await ce('ae'), rtt: await ce('rtt'), lm: await lossOf(seed, c) });
    }
    return new Gates(c.seeds, found)
      .number(`rtt (floor ${floors.rtt.toFixed(3)})`, (f) => f.rtt, { least: 0.44, most: 0.5 })
      .number('ae (floor 0)', (f) => f.ae, { most: 0.03 })
      .number(`language model (floor ${floors.lm.toFixed(3)})`, (f) => f.lm, { least: 1.62, most: 1.7 })
      .result();
  },
});
