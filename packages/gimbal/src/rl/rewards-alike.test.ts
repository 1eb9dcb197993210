import { alike } from './rewards-alike.ts';

test('rewards that are all zero, or all the same, are told; others are not', () => {
  expect(alike([0, 0, 0])).toContain(
    'the reward was 0.00 in each of 3 steps, so nothing was learnt from it. No completion',
  );
  expect(alike([1])).toContain('in each of 1 step, so nothing was learnt from it. It does not tell completions apart');
  expect(alike([0, 0.25])).toBeUndefined();
  expect(alike([])).toBeUndefined();
});
