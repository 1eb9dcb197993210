// Baklava: members that start from several checkpoints of one fine-tuning.
import { flatten, type Params } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { accuracy, average, type Members, margins, membersOf, pairsOf } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W11',
  claim: 'members from three checkpoints of one fine-tuning average as well as members from its last',
  paper: '§3.3: Baklava is the most diverse',
  wanted: 'out-of-distribution accuracy within .005; mean distance between weights reported; configuration D',
  seeds: [0, 1, 2, 3],
  async run({ seeds, signal }) {
    const gains: number[] = [];
    const distances: [number[], number[]] = [[], []];
    for (const seed of seeds) {
      const { test } = pairsOf(seed, 0.25);
      const [plain, baklava] = [
        await membersOf(seed, { config: 'D', swap: 0.25 }, signal),
        await membersOf(seed, { config: 'D', swap: 0.25, baklava: true }, signal),
      ];
      gains.push(accuracy(margins(average(baklava), test)) - accuracy(margins(average(plain), test)));
      distances[0].push(distance(plain));
      distances[1].push(distance(baklava));
    }
    const [last, several] = distances.map(mean);
    const text = `Baklava − last checkpoint ${signed(mean(gains))}; mean distance ${several?.toFixed(2)} against ${last?.toFixed(2)}`;
    return verdict(text, gains, { 'within .005': Math.abs(mean(gains)) <= 0.005 });
  },
});

/** Mean Euclidean distance between two members. */
function distance(members: Members): number {
  const flat = members.map((m: Params) => flatten(m).map(([, t]) => t.dataSync<'float32'>()));
  const all: number[] = [];
  for (let i = 0; i < flat.length; i++) {
    for (let j = 0; j < i; j++) {
      let square = 0;
      for (const [k, a] of (flat[i] ?? []).entries()) {
        const b = flat[j]?.[k] as Float32Array;
        for (let n = 0; n < a.length; n++) square += ((a[n] as number) - (b[n] as number)) ** 2;
      }
      all.push(Math.sqrt(square));
    }
  }
  return mean(all);
}
