import { defineClaim } from '../../reproduce/claim.ts';
import { measuresOf } from './internal/experiment.ts';
import { Gates } from './internal/measured.ts';

export const claim = defineClaim({
  id: 'E11',
  claim: 'a lossy pivot erases what it merges; a second pivot, or noise on slots, does not',
  paper: 'not measured there (ours)',
  wanted:
    'meaningMatch: pivot C in [.70, .84] (Bayes .795); B and C half each ≥ .90; slotNoise .2 loses ≤ .05 (reported until calibrated)',
  fullOnly: true,
  seeds: [0, 1],
  async run(c) {
    const found: Record<'cor' | 'both' | 'noise' | 'rtt', number>[] = [];
    for (const seed of c.seeds) {
      const match = async (o: object): Promise<number> =>
        (await measuresOf({ objective: 'rtt', seed, ...o }, c)).meaningMatch?.value as number;
      found.push({
        cor: await match({ pivot: 'cor' }),
        both: await match({ pivot: 'both' }),
        noise: await match({ roundTrip: { slotNoise: 0.2 } }),
        rtt: await match({}),
      });
    }
    return new Gates(c.seeds, found)
      .number('pivot C', (f) => f.cor, { least: 0.7, most: 0.84 })
      .number('B and C', (f) => f.both, { least: 0.9 })
      .number('loss by slotNoise .2', (f) => f.rtt - f.noise, { most: 0.05 })
      .result({ reported: true });
  },
});
