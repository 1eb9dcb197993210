// Steps left in an episode must be those that a walk to its end counts, whatever was overwritten in between.
import fc from 'fast-check';
import { EpisodeEnds, type Rings } from './episode-ends.ts';

/** Row by row, until the newest one or another episode. */
function walked({ perEnv, episodes, written }: Rings, i: number): number {
  const n = Math.floor(i / perEnv);
  const newest = n * perEnv + (((written[n] as number) - 1) % perEnv);
  let [at, steps] = [i, 0];
  while (at !== newest) {
    const next = n * perEnv + ((at - n * perEnv + 1) % perEnv);
    if (episodes[next] !== episodes[i]) break;
    [at, steps] = [next, steps + 1];
  }
  return steps;
}

const empty = (perEnv: number, numEnvs: number): Rings => ({
  perEnv,
  episodes: new Int32Array(perEnv * numEnvs),
  written: new Float64Array(numEnvs),
});

function write({ perEnv, episodes, written }: Rings, n: number, episode: number): void {
  const count = written[n] as number;
  episodes[n * perEnv + (count % perEnv)] = episode;
  written[n] = count + 1;
}

/** The rows that are there. */
const filled = ({ perEnv, written }: Rings): number[] =>
  [...written].flatMap((count, n) => Array.from({ length: Math.min(count, perEnv) }, (_, k) => n * perEnv + k));

test('after any rows, asked for at any time', () => {
  const rows = fc.array(fc.record({ copy: fc.nat(1), episode: fc.nat(2), ask: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), rows, (perEnv, all) => {
      const rings = empty(perEnv, 2);
      const ends = new EpisodeEnds(rings);
      for (const { copy, episode, ask } of all) {
        write(rings, copy, episode);
        if (ask) for (const i of filled(rings)) expect(ends.after(i)).toBe(walked(rings, i));
      }
      // as a restored checkpoint is read: all at once
      const late = new EpisodeEnds(rings);
      for (const i of filled(rings)) expect([ends.after(i), late.after(i)]).toEqual(Array(2).fill(walked(rings, i)));
    }),
  );
});

test('a draw costs the same in an episode of a million steps', () => {
  const rings = empty(1_000_000, 1);
  for (let k = 0; k < 1_000_000; k++) write(rings, 0, 0);
  const ends = new EpisodeEnds(rings);
  let total = 0;
  // 5·10⁹ steps if each draw walked
  for (let k = 0; k < 10_000; k++) total += ends.after(k);
  expect(total).toBe(10_000 * 999_999 - (10_000 * 9_999) / 2);
});
