// Noise on vectors that are guessed from.
import { rng } from '@gimbal/tensor-core';
import { withNoise } from './guesses.ts';

test('noise is a share of each vector’s length, drawn evenly up to the limit, and the same of the same stream', () => {
  const dim = 400;
  const rows = 200;
  // unit vectors, and ones ten times as long
  const vectors = Float32Array.from(
    { length: rows * dim },
    (_, i) => (Math.floor(i / dim) % 2 === 0 ? 1 : 10) / Math.sqrt(dim),
  );
  const moved = withNoise(vectors, dim, 0.5, rng(3));
  const shares = Array.from({ length: rows }, (_, row) => {
    const at = row * dim;
    const away = Math.hypot(...moved.subarray(at, at + dim).map((x, j) => x - (vectors[at + j] as number)));
    return away / (row % 2 === 0 ? 1 : 10);
  });
  // |n|/√D is 1 within .2 for 400 numbers: five deviations of 1/√(2D)
  for (const share of shares) expect(share).toBeLessThan(0.5 * 1.2);
  // the mean of U(0, .5) is .25, of 200 of them with a deviation of .01
  expect(shares.reduce((a, b) => a + b, 0) / rows).toBeCloseTo(0.25, 1);
  expect(Math.min(...shares)).toBeLessThan(0.05);
  expect(withNoise(vectors, dim, 0.5, rng(3))).toEqual(moved);
  expect(withNoise(vectors, dim, 0, rng(3))).toBe(vectors);
});
