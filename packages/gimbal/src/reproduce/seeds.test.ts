import { seedsOf } from './seeds.ts';

const usual = { full: false, quick: false, seed: 7 };
const claim = { seeds: [0, 1, 2], fullSeeds: [0, 1, 2, 3, 4] };

test('--full runs the further seeds of claims that have some', () => {
  expect(seedsOf(claim, usual)).toEqual([0, 1, 2]);
  expect(seedsOf(claim, { ...usual, full: true })).toEqual([0, 1, 2, 3, 4]);
  expect(seedsOf({ seeds: [0, 1] }, { ...usual, full: true })).toEqual([0, 1]);
  expect(seedsOf({}, { ...usual, full: true })).toEqual([7]);
});

test('seeds that are named are those that are run; --quick runs the first', () => {
  expect(seedsOf(claim, { ...usual, full: true, seeds: [5] })).toEqual([5]);
  expect(seedsOf(claim, { ...usual, quick: true })).toEqual([0]);
});
