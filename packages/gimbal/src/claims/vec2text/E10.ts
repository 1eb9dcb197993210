import type { Measures } from '@gimbal/vec2text';
import { defineClaim } from '../../reproduce/claim.ts';
import { measuresOf } from './internal/experiment.ts';
import { short } from './internal/measured.ts';

const keeps = [0, 0.3, 0.6, 0.9] as const;
const slack = 0.03;

export const claim = defineClaim({
  id: 'E10',
  claim: 'the more wording round trips keep, the more of it is in the code, and the less structure',
  paper: 'not measured there (ours)',
  wanted:
    'surfaceKeep 0, .3, .6, .9: exactMatch non-decreasing, triplet non-increasing, slack .03 (reported until calibrated)',
  fullOnly: true,
  seeds: [0],
  async run(c) {
    const parts: string[] = [];
    let good = true;
    for (const seed of c.seeds) {
      const found: Measures[] = [];
      for (const surfaceKeep of keeps)
        found.push(await measuresOf({ objective: 'rtt', seed, roundTrip: { surfaceKeep } }, c));
      const [exact, triplet] = ['exactMatch', 'tripletAccuracy'].map((name) =>
        found.map((m) => m[name]?.value as number),
      ) as [number[], number[]];
      good &&= exact.slice(1).every((x, i) => x >= (exact[i] as number) - slack);
      good &&= triplet.slice(1).every((x, i) => x <= (triplet[i] as number) + slack);
      parts.push(`exactMatch ${exact.map(short).join(' ')}, triplet ${triplet.map(short).join(' ')}`);
    }
    return { measured: `${parts.join('; ')}; ${good ? 'in order' : 'not in order'}`, verdict: 'reported' };
  },
});
