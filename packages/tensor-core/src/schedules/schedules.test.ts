import fc from 'fast-check';
import {
  constant,
  cosine,
  inverseSqrt,
  linear,
  piecewise,
  type StepFunction,
  scheduleAt,
  warmup,
  wsd,
} from './schedules.ts';

const values = (schedule: StepFunction, steps: number): number[] =>
  Array.from({ length: steps }, (_, step) => Number(schedule(step).toFixed(6)));

test('warm-up takes a full step at once and reaches the peak at its last update', () => {
  expect(values(warmup({ peak: 8, warmup: 4 }), 6)).toEqual([2, 4, 6, 8, 8, 8]);
});

test('linear: 2 updates up, 4 down to the final value, then there', () => {
  expect(values(linear({ peak: 8, warmup: 2, steps: 6, final: 4 }), 8)).toEqual([4, 8, 7, 6, 5, 4, 4, 4]);
});

test('cosine: half way down is the mean of peak and final', () => {
  // without warm-up: step 0 is the peak, step 2 the middle, step 4 the end
  expect(values(cosine({ peak: 1, steps: 5, final: 0.5 }), 6)).toEqual([1, 0.926777, 0.75, 0.573223, 0.5, 0.5]);
});

test('wsd: flat until the last updates', () => {
  expect(values(wsd({ peak: 4, warmup: 2, steps: 8, decay: 4 }), 9)).toEqual([2, 4, 4, 4, 3, 2, 1, 0, 0]);
  expect(values(wsd({ peak: 4, steps: 4, decay: 4, shape: 'sqrt' }), 4)).toEqual([2, 1.171573, 0.535898, 0]);
});

test('inverse square root: at four times the warm-up half the peak', () => {
  const schedule = inverseSqrt({ peak: 1, warmup: 10 });
  expect(schedule(4)).toBe(0.5);
  expect(schedule(9)).toBe(1);
  expect(schedule(39)).toBe(0.5);
});

test('piecewise: each part counts from its own start', () => {
  const schedule = piecewise([
    { from: 0, value: 1 },
    { from: 2, value: linear({ peak: 3, steps: 4 }) },
  ]);
  expect(values(schedule, 7)).toEqual([1, 1, 3, 2, 1, 0, 0]);
  expect(scheduleAt(0.5, 100)).toBe(0.5);
  expect(scheduleAt(constant(0.5), 100)).toBe(0.5);
});

test('every schedule stays between 0 and its peak and ends at its final value', () => {
  const options = fc
    .record({
      peak: fc.double({ min: 0, max: 10, noNaN: true }),
      steps: fc.integer({ min: 1, max: 200 }),
      up: fc.double({ min: 0, max: 1, noNaN: true }),
      final: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ peak, steps, up, final }) => ({ peak, steps, warmup: Math.floor(up * (steps - 1)), final: final * peak }));
  fc.assert(
    fc.property(options, (o) => {
      for (const schedule of [linear(o), cosine(o), wsd({ ...o, decay: o.steps - o.warmup })]) {
        const all = Array.from({ length: o.steps + 10 }, (_, step) => schedule(step));
        expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...all)).toBeLessThanOrEqual(o.peak * (1 + 1e-12));
        if (o.steps - o.warmup > 1) expect(Math.abs((all.at(-1) ?? 0) - o.final)).toBeLessThanOrEqual(1e-9);
      }
    }),
  );
});

test.each([
  [() => cosine({ peak: Number.NaN, steps: 10 }), 'cosine.peak: out of range; got NaN'],
  [() => cosine({ peak: 1, steps: 0 }), 'cosine.steps: out of range; got 0, wanted a whole number ≥ 1'],
  [
    () => linear({ peak: 1, steps: 10, warmup: 11 }),
    'linear.warmup: the warm-up is longer than the run; got 11, wanted at most 10 updates',
  ],
  [() => wsd({ peak: 1, steps: 10, warmup: 6, decay: 6 }), 'wsd: warm-up and decay are longer than the run'],
  [() => inverseSqrt({ peak: 1, warmup: 0 }), 'inverseSqrt.warmup: out of range'],
  [() => piecewise([{ from: 1, value: 1 }]), 'piecewise[0].from: the parts are not in order; got 1, wanted 0'],
  [() => piecewise([]), 'piecewise: no parts'],
  [() => constant(-1), 'constant: out of range; got -1'],
])('options that make no sense are refused: %s', (make, message) => {
  expect(make).toThrow(message);
});
