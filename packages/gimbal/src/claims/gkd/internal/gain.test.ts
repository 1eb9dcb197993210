import { gainText } from './gain.ts';

const scored = (...scores: number[]) => scores.map((score) => ({ score, entropy: 0, faithful: 0, rouge2: 0 }));

test('the gain of a method is told beside that of supervised KD and the paper’s ratio', () => {
  // .6 − .2 over .3 − .2
  const text = gainText({ method: scored(0.5, 0.7), supervised: scored(0.3, 0.3), start: scored(0.1, 0.3) }, '1.7');
  expect(text).toBe('gains over the start +0.400, supervised KD +0.100: 4.0 × (paper 1.7 ×)');
});

test('where supervised KD gains nothing there is no ratio', () => {
  const text = gainText({ method: scored(0.5), supervised: scored(0.1), start: scored(0.1) }, '2.1');
  expect(text).toBe('gains over the start +0.400, supervised KD +0.000: no ratio (paper 2.1 ×)');
});
