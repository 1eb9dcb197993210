import { rng } from '@gimbal/tensor-core';
import fc from 'fast-check';
import {
  allocate,
  batchSpace,
  box,
  contains,
  dict,
  discrete,
  fault,
  flatSize,
  flatten,
  flattenSpace,
  multiBinary,
  multiDiscrete,
  sample,
  tuple,
  unflatten,
} from './index.ts';

const nested = dict({
  pose: box([-1, Number.NEGATIVE_INFINITY], [1, Number.POSITIVE_INFINITY]),
  image: box(0, 255, [2, 2, 3], 'uint8'),
  pair: tuple([discrete(3, 2), multiDiscrete([2, 5])]),
  keys: multiBinary(4),
});

test('two equal children of a Dict draw differently, the same seed draws the same', () => {
  const space = dict({ a: discrete(10), b: discrete(10) });
  const draw = (seed: number): [number, number][] => {
    const stream = rng(seed);
    return Array.from({ length: 100 }, () => {
      const { a, b } = sample(space, stream) as { a: number; b: number };
      return [a, b];
    });
  };
  const samples = draw(42);
  expect(samples).toEqual(draw(42));
  expect(samples).not.toEqual(draw(43));
  expect(samples.filter(([a, b]) => a === b).length).toBeLessThan(30); // 10 expected
  expect(new Set(samples.map(([a]) => a)).size).toBe(10);
});

test('a batched action space follows its seed', () => {
  const four = batchSpace(box(-1, 1, [3]), 4);
  expect(four).toMatchObject({ kind: 'box', shape: [4, 3] });
  expect(sample(four, rng(1))).toEqual(sample(four, rng(1)));
  expect(sample(four, rng(1))).not.toEqual(sample(four, rng(2)));
  expect(batchSpace(discrete(3), 4)).toEqual(multiDiscrete([3, 3, 3, 3]));
});

test('every sample is in its space, and flattening is undone', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
      const value = sample(nested, rng(seed));
      expect(fault(nested, value)).toBeUndefined();
      const flat = flatten(nested, value);
      expect(flat.length).toBe(flatSize(nested));
      expect(contains(flattenSpace(nested), flat)).toBe(true);
      expect(unflatten(nested, flat)).toEqual(value);
    }),
    { numRuns: 50 },
  );
});

test('a mask leaves only what it allows', () => {
  const stream = rng(0);
  const drawn = new Set(Array.from({ length: 100 }, () => sample(discrete(4, 10), stream, [0, 1, 0, 1])));
  expect([...drawn].sort()).toEqual([11, 13]);
  expect(() => sample(discrete(2), stream, [0, 0])).toThrow('sample: mask allows no value');
});

test('faults say where and what', () => {
  const value = allocate(nested) as { [key: string]: unknown };
  expect(fault(nested, value)).toBe('pair.0: 0 is no whole number from 2 to 4');
  value.pair = { 0: 2, 1: Float32Array.of(1, 5) };
  expect(fault(nested, value)).toBe('pair.1: [1] is 5, no whole number from 0 to 4');
  value.pose = Float32Array.of(2, 0);
  expect(fault(nested, value)).toBe('pose: [0] is 2, above its bound 1');
  value.pose = Float64Array.of(0, 0);
  expect(fault(nested, value)).toBe('pose: is a Float64Array, wanted a Float32Array');
  expect(() => box([0, 2], [1, 1])).toThrow('box: bounds of element 1 are no interval; got [2,1]');
});
