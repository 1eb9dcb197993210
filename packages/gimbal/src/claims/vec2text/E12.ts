import { defineClaim } from '../../reproduce/claim.ts';
import { measuresOf } from './internal/experiment.ts';
import { short } from './internal/measured.ts';

const dims = [8, 16, 32, 64] as const;
const slack = 0.03;

export const claim = defineClaim({
  id: 'E12',
  claim: 'more coordinates hold more of a meaning',
  paper: 'not measured there (ours)',
  wanted: 'k 8, 16, 32, 64: meaningMatch non-decreasing, slack .03 (reported until calibrated)',
  fullOnly: true,
  seeds: [0],
  async run(c) {
    const parts: string[] = [];
    let good = true;
    for (const seed of c.seeds) {
      const found: number[] = [];
      for (const controlDim of dims)
        found.push(
          (await measuresOf({ objective: 'rtt', seed, module: { controlDim } }, c)).meaningMatch?.value as number,
        );
      good &&= found.slice(1).every((x, i) => x >= (found[i] as number) - slack);
      parts.push(`meaningMatch ${found.map(short).join(' ')}`);
    }
    return { measured: `${parts.join('; ')}; ${good ? 'in order' : 'not in order'}`, verdict: 'reported' };
  },
});
