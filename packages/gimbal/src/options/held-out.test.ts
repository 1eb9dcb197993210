import { rng } from '@gimbal/tensor-core';
import { heldOutOf, splitRows } from './held-out.ts';

const rows = Array.from({ length: 20 }, (_, i) => i);

test('a tenth is held out where nothing is said, at least one and at most what the command bears', () => {
  expect([3, 20, 5000].map((n) => heldOutOf('sft', undefined, n))).toEqual([1, 2, 256]);
  expect(heldOutOf('rl', undefined, 5000, 128)).toBe(128);
  expect(heldOutOf('sft', 0.25, 20)).toBe(0.25);
});

test('every row is on one side, and the same seed draws the same sides', () => {
  const split = (seed: number) => splitRows(rows, 0.25, rng(seed));
  const { training, heldOut } = split(1);
  expect([training.length, heldOut.length]).toEqual([15, 5]);
  expect([...training, ...heldOut].sort((a, b) => a - b)).toEqual(rows);
  expect(split(1).heldOut).toEqual(heldOut);
  expect(split(2).heldOut).not.toEqual(heldOut);
});

test('a single row is learnt from and measured on', () => {
  expect(splitRows(['only'], heldOutOf('sft', undefined, 1), rng(0))).toEqual({
    training: ['only'],
    heldOut: ['only'],
  });
});
