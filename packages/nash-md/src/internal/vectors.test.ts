import { rng } from '@gimbal/tensor-core';
import { preferenceGames } from '../games/preference-games.ts';
import { isComplementary, multiplyAt, multiplyPreferencesAt } from './vectors.ts';

test('half of a preference matrix gives the product of the whole, at every size and offset', () => {
  for (let n = 1; n <= 21; n++) {
    const { p } = preferenceGames.random(n, rng(n));
    expect(isComplementary(p, n)).toBe(true);
    const v = Float64Array.from({ length: n }, (_, j) => rng(7).split(j).uniform());
    // Σ_j P_ij v_j, as it is written
    const wanted = Float64Array.from({ length: n }, (_, i) =>
      v.reduce((t, x, j) => t + (p[i * n + j] as number) * x, 0),
    );
    const moved = {
      p: new Float64Array(p.length + 3),
      v: new Float64Array(n + 2),
      out: new Float64Array(n + 1).fill(9),
    };
    moved.p.set(p, 3);
    moved.v.set(v, 2);
    for (const product of [multiplyAt, multiplyPreferencesAt]) {
      product(moved.p, 3, moved.v, 2, n, moved.out, 1);
      expect(moved.out[0]).toBe(9);
      for (let i = 0; i < n; i++)
        expect(Math.abs((moved.out[i + 1] as number) - (wanted[i] as number))).toBeLessThan(1e-14 * n);
    }
  }
});

test('a matrix that is a preference only to 1e-6 is read whole', () => {
  const p = Float64Array.of(0.5, 0.7 + 5e-7, 0.3, 0.5);
  expect(isComplementary(p, 2)).toBe(false);
  expect(isComplementary(Float64Array.of(0.5, 0.7, 0.3, 0.5), 2)).toBe(true);
});
