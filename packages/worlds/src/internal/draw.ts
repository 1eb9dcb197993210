// Draws that the worlds share. Each uses a fixed number of numbers of the stream, so rows stay reproducible.
import type { Rng } from '../rng.ts';

// as constants: in a vm context, such as a test runner's, a lookup of a global is as dear as a draw
const { cos, log, PI, sin, sqrt } = Math;

/** The index drawn from `probabilities` (sum 1). */
export function drawIndex(probabilities: readonly number[], rng: Rng): number {
  let left = rng.uniform();
  for (let i = 0; i < probabilities.length; i++) {
    left -= probabilities[i] as number;
    if (left < 0) return i;
  }
  return probabilities.length - 1; // the sum rounds to a little less than one
}

/** `k` different numbers of [0, n), in random order (the first k steps of Fisher and Yates). */
export function drawDistinct(n: number, k: number, rng: Rng): number[] {
  const pool = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < k; i++) {
    const j = i + rng.int(n - i);
    const other = pool[j] as number;
    pool[j] = pool[i] as number;
    pool[i] = other;
  }
  return pool.slice(0, k);
}

/** A number of [0, n) other than `not`. */
export function drawOther(n: number, not: number, rng: Rng): number {
  const drawn = rng.int(n - 1);
  return drawn < not ? drawn : drawn + 1;
}

/**
 * A small generator for what belongs to a world and not to a run, such as the newsroom's stereotypes: the world
 * imports nothing, so it cannot ask tensor-core for its stream. Mulberry32, seeded.
 */
export function worldStream(seed: number): { int(n: number): number; uniform(): number } {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { int: (n) => Math.floor(uniform() * n), uniform };
}

/** Fills an array with independent normal numbers, mean 0 (Box and Muller: two of the stream for each pair). */
export function fillNormal<A extends Float32Array | Float64Array>(out: A, rng: { uniform(): number }, std = 1): A {
  for (let i = 0; i < out.length; i += 2) {
    const radius = std * sqrt(-2 * log(1 - rng.uniform()));
    const angle = 2 * PI * rng.uniform();
    out[i] = radius * cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * sin(angle);
  }
  return out;
}
