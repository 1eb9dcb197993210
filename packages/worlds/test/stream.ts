// A seeded generator for the tests: this package has none of its own, and tests of worlds need no tensors.
import type { Rng } from '../src/index.ts';

/** Mulberry32; streams are named by hashing the name into the seed. */
export function stream(seed: number): Rng {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform,
    int: (n) => Math.floor(uniform() * n),
    split: (name) => stream([...String(name)].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 0x01000193), seed)),
  };
}
