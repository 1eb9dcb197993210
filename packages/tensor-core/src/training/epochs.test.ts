import fc from 'fast-check';
import { rng } from '../random/rng.ts';
import { mapBatches } from './batch-source.ts';
import { EpochSampler, shuffledIndices } from './epochs.ts';

const epochs = (seed: number, rows: number, batchSize: number, count: number): number[] => {
  const sampler = new EpochSampler(rows, { batchSize, rng: rng(seed).split('data') });
  return Array.from({ length: count }, () => [...sampler.next()]).flat();
};

test('100 rows, 2 epochs: orders differ between epochs and seeds, each row once per epoch, same seed same orders', () => {
  const one = epochs(1, 100, 10, 20);
  expect(epochs(1, 100, 10, 20)).toEqual(one);
  expect(epochs(2, 100, 10, 20)).not.toEqual(one);
  const [first, second] = [one.slice(0, 100), one.slice(100)];
  expect(first).not.toEqual(second);
  for (const epoch of [first, second])
    expect([...epoch].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('the order does not depend on the batch size', () => {
  expect(epochs(3, 7, 3, 7)).toEqual(epochs(3, 7, 1, 21));
});

test('restoring a state goes on with the very next rows, whatever happens to the rest', () => {
  const options = fc.record({
    rows: fc.integer({ min: 1, max: 20 }),
    batchSize: fc.integer({ min: 1, max: 25 }),
    before: fc.nat(10),
    rest: fc.constantFrom('carry', 'short', 'drop'),
  });
  fc.assert(
    fc.property(options, ({ rows, batchSize, before, rest }) => {
      fc.pre(rest !== 'drop' || rows >= batchSize);
      const make = (): EpochSampler => new EpochSampler(rows, { batchSize, rng: rng(5), rest: rest as 'carry' });
      const whole = make();
      for (let i = 0; i < before; i++) whole.next();
      const resumed = make();
      resumed.restore(JSON.parse(JSON.stringify(whole.state())));
      for (let i = 0; i < 5; i++) {
        const batch = [...whole.next()];
        expect([...resumed.next()]).toEqual(batch);
        if (rest !== 'short') expect(batch.length).toBe(batchSize);
      }
    }),
  );
});

test('short and dropped rests, and rows in their own order', () => {
  const make = (rest: 'short' | 'drop'): EpochSampler =>
    new EpochSampler(5, { batchSize: 2, rng: rng(0), shuffle: false, rest });
  const take = (s: EpochSampler): number[][] => Array.from({ length: 4 }, () => [...s.next()]);
  expect(take(make('short'))).toEqual([[0, 1], [2, 3], [4], [0, 1]]);
  expect(take(make('drop'))).toEqual([
    [0, 1],
    [2, 3],
    [0, 1],
    [2, 3],
  ]);
  const mapped = mapBatches(make('short'), (rows) => rows.length);
  mapped.restore({ epoch: 0, position: 4, rows: 5 });
  expect([mapped.next(), mapped.state()]).toEqual([1, { epoch: 0, position: 5, rows: 5 }]);
});

test('every permutation of three rows comes up equally often', () => {
  const counts = new Map<string, number>();
  const stream = rng(9);
  for (let i = 0; i < 6000; i++) {
    const key = shuffledIndices(3, stream).join('');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  // binomial with mean 1000 and standard deviation 29: five of them
  for (const n of counts.values()) expect(Math.abs(n - 1000)).toBeLessThan(145);
});

test.each([
  [() => new EpochSampler(0, { batchSize: 1, rng: rng(0) }), 'there are no rows'],
  [() => new EpochSampler(1, { batchSize: 0, rng: rng(0) }), 'batchSize: out of range; got 0'],
  [() => new EpochSampler(1, { batchSize: 2, rng: rng(0), rest: 'drop' }), 'no epoch fills a batch'],
  [
    () => new EpochSampler(2, { batchSize: 1, rng: rng(0) }).restore({ epoch: 0, position: 0, rows: 3 }),
    'the state belongs to other data; got "2 rows", wanted 3 rows',
  ],
  [
    () => new EpochSampler(2, { batchSize: 1, rng: rng(0) }).restore(null),
    'the state belongs to other data; got null, wanted a state of 2 rows',
  ],
])('what makes no sense is refused: %s', (make, message) => {
  expect(make).toThrow(message);
});
