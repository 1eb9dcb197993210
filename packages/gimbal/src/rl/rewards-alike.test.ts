import { alike } from './rewards-alike.ts';

test('rewards that are all zero, or all the same, are told; others are not', () => {
  expect(alike([0, 0, 0])).toContain(
    'the reward was 0.00 in each of 3 steps, so nothing was learnt from it. No completion',
  );
  expect(alike([1, 1])).toContain(
    'in each of 2 steps, so nothing was learnt from it. It does not tell completions apart',
  );
  expect(alike([0, 0.25])).toBeUndefined();
  // the mean of one step says nothing of the completions in it
  expect(alike([1])).toBeUndefined();
  expect(alike([])).toBeUndefined();
});
