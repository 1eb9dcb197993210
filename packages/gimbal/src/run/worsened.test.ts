import { worsened } from './worsened.ts';

const at = (loss: number, step: number) => ({ loss, step });

test('a model that got better to the end needs no word', () => {
  expect(worsened({ before: 3, best: at(2, 90), last: at(2.01, 100) })).toBeUndefined();
  expect(worsened({ best: at(2, 100), last: at(2, 100) })).toBeUndefined();
});

test('no better than at the start, and better for a while, are told apart', () => {
  expect(worsened({ before: 2, best: at(2.5, 10), last: at(3, 100) })).toBe(
    'held-out loss 2.0000 → 2.5000: no better than the model it started from',
  );
  expect(worsened({ before: 3, best: at(2, 10), last: at(2.5, 100) })).toBe(
    'held-out loss was lowest at step 10 of 100 (2.0000) and rose to 2.5000: the model of step 10 is kept',
  );
  // a loss that is no number is no improvement
  expect(worsened({ before: 2, best: at(Number.NaN, 0), last: at(Number.NaN, 100) })).toContain('no better');
});
