// Inputs for the op table: fixed pseudo-random numbers, the same in every run, exactly representable in float32.

import type { Sample } from './types.ts';

/** A small generator (mulberry32); the table needs variety, not quality. */
function generator(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Numbers spread evenly over [−scale, scale). */
export function floats(shape: readonly number[], seed: number, scale = 1): Sample {
  const next = generator(seed);
  const data = Float64Array.from({ length: size(shape) }, () => Math.fround((2 * next() - 1) * scale));
  return { shape, dtype: 'float32', data };
}

/** Numbers in [0, 1). */
export function uniforms(shape: readonly number[], seed: number): Sample {
  const next = generator(seed);
  return {
    shape,
    dtype: 'float32',
    data: Float64Array.from({ length: size(shape) }, () => Math.fround(next() * 0.999999)),
  };
}

/** Whole numbers in [0, below). */
export function ints(shape: readonly number[], seed: number, below: number): Sample {
  const next = generator(seed);
  return { shape, dtype: 'int32', data: Float64Array.from({ length: size(shape) }, () => Math.floor(next() * below)) };
}

/** These numbers. */
export function numbers(
  shape: readonly number[],
  values: readonly number[],
  dtype: Sample['dtype'] = 'float32',
): Sample {
  return { shape, dtype, data: Float64Array.from(values, dtype === 'float32' ? Math.fround : (x) => x) };
}
