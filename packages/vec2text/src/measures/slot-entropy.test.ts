import { slotEntropies, slotEntropyRatio } from './slot-entropy.ts';

it('measures the entropy of slots in nats', () => {
  const [same, even] = slotEntropies([
    [1, 'x'],
    [1, 'y'],
  ]);
  expect(same).toBe(0);
  expect(even).toBeCloseTo(Math.log(2), 12);
});

it('gives entropies the interval of leaving each sample out once', () => {
  // a a b, against ln 2 in the rows: without an a ln 2 (1), twice, without b 0; their mean is 2/3
  const rows = [['a'], ['b']];
  const value = (Math.log(3) - (2 / 3) * Math.log(2)) / Math.log(2);
  const error = Math.sqrt((2 / 3) * ((1 / 3) ** 2 * 2 + (2 / 3) ** 2));
  const measure = slotEntropyRatio([['a'], ['a'], ['b']], rows);
  expect(measure?.value).toBeCloseTo(value, 12);
  expect(measure?.ci).toEqual([0, expect.closeTo(value + 1.96 * error, 12)]); // no entropy is below 0
  expect(measure?.n).toBe(3);
});

it('surrounds its value, however even the slots are: rows drawn again have less entropy', () => {
  const even = Array.from({ length: 80 }, (_, i) => [i % 8, i % 3]);
  const { value, ci } = slotEntropyRatio(even, even) as { value: number; ci: readonly [number, number] };
  expect(value).toBeCloseTo(1, 12);
  expect(ci[0]).toBeLessThanOrEqual(value);
  expect(ci[1]).toBeGreaterThanOrEqual(value);
});

it('leaves slots out that do not vary in the rows, and is nothing where none does', () => {
  const rows = [
    ['a', 'x'],
    ['b', 'x'],
  ];
  const found = [
    ['a', 'x'],
    ['b', 'y'],
  ];
  expect(slotEntropyRatio(found, rows)?.value).toBeCloseTo(1, 12);
  expect(slotEntropyRatio(found, [['a'], ['a']])).toBeUndefined();
});
