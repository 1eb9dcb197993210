// What averaging does not remove: a cue that every run learns.
import { rng } from '@gimbal/tensor-core';
import { cueSizes } from '@gimbal/worlds';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { average, membersOf, score, world } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W9',
  claim: 'a spurious cue that all runs share survives the average, while its correlation with the truth rises',
  paper: '§4.3 and limitations: shared biases remain',
  wanted: '|corr(r, cue): WA − mean member| ≤ .04, and corr(r, r*) higher by ≥ .01; no labels swapped',
  seeds: [0, 1, 2],
  async run({ seeds, signal }) {
    const [cue, truth]: number[][] = [[], []];
    for (const seed of seeds) {
      const members = await membersOf(seed, { config: 'S', swap: 0 }, signal);
      const { observations, latents, qualities, n } = world.draw(4000, rng(seed).split('W9'), {
        scale: 1,
        correlation: 0,
      });
      const last = Float64Array.from(
        { length: n },
        (_, i) => latents[i * cueSizes.latent + cueSizes.latent - 1] as number,
      );
      const [wa, ...singles] = [average(members), ...members].map((m) => {
        const r = score(m, observations);
        return [correlation(r, last), correlation(r, qualities)] as const;
      });
      cue?.push((wa?.[0] ?? 0) - mean(singles.map(([c]) => c)));
      truth?.push((wa?.[1] ?? 0) - mean(singles.map(([, t]) => t)));
    }
    const [a, b] = [mean(cue ?? []), mean(truth ?? [])];
    return verdict(`cue ${signed(a)}, truth ${signed(b)}`, truth ?? [], {
      'cue stays': Math.abs(a) <= 0.04,
      'truth rises': b >= 0.01,
    });
  },
});

function correlation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const n = x.length;
  const [mx, my] = [mean(Array.from(x)), mean(Array.from(y))];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [a, b] = [(x[i] as number) - mx, (y[i] as number) - my];
    xy += a * b;
    xx += a * a;
    yy += b * b;
  }
  return xy / Math.sqrt(xx * yy);
}
