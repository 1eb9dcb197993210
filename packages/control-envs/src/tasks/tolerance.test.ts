import { tolerance } from '../index.ts';

test('1 within bounds, 0 outside them without a margin', () => {
  const o = { bounds: [1, 2] } as const;
  expect([0.99, 1, 1.5, 2, 2.01].map((x) => tolerance(x, o))).toEqual([0, 1, 1, 1, 0]);
  expect([0, 1e-9].map((x) => tolerance(x))).toEqual([1, 0]);
  expect(tolerance(1e9, { bounds: [1, Number.POSITIVE_INFINITY] })).toBe(1);
  expect(tolerance(Number.NaN)).toBeNaN();
});

test.each(['gaussian', 'hyperbolic', 'long-tail', 'reciprocal', 'cosine', 'linear', 'quadratic'] as const)(
  '%s falls to its value at the margin, on both sides alike',
  (shape) => {
    const o = { bounds: [-1, 1], margin: 2, shape, valueAtMargin: 0.3 } as const;
    expect(tolerance(3, o)).toBeCloseTo(0.3, 12);
    expect(tolerance(-3, o)).toBe(tolerance(3, o));
    const seen = [1, 1.5, 2, 2.5, 3, 4, 5, 9].map((x) => tolerance(x, o));
    for (let i = 1; i < seen.length; i++) expect(seen[i]).toBeLessThanOrEqual(seen[i - 1] as number);
    expect(seen.every((v) => v >= 0 && v <= 1)).toBe(true);
    expect(tolerance(1 + 1e-9, o)).toBeCloseTo(1, 6); // no step at the bound
  },
);

test('by hand', () => {
  const o = { margin: 1, valueAtMargin: 0.1 } as const;
  expect(tolerance(0.5, o)).toBeCloseTo(0.1 ** 0.25, 12); // exp(−½ (x s)²), s² = −2 ln v
  expect(tolerance(0.5, { ...o, shape: 'linear' })).toBeCloseTo(0.55, 12);
  expect(tolerance(2, { ...o, shape: 'reciprocal' })).toBeCloseTo(1 / 19, 12);
  expect(tolerance(2, { ...o, shape: 'cosine', valueAtMargin: 0 })).toBe(0);
});

test('options that make no sense are refused', () => {
  expect(() => tolerance(0, { bounds: [2, 1] })).toThrow('tolerance.bounds: out of range');
  expect(() => tolerance(0, { margin: -1 })).toThrow('tolerance.margin');
  expect(() => tolerance(0, { valueAtMargin: 0 })).toThrow('above 0');
  expect(() => tolerance(0, { shape: 'gausian' as never })).toThrow('Did you mean gaussian?');
});
