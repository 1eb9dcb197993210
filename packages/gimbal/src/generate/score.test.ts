import { rng } from '@gimbal/tensor-core';
import { scoreTexts } from './score.ts';

it('a share of answers has an interval of some width, also where all are alike', async () => {
  const answers = Array.from({ length: 8 }, () => ({ prompt: 'a', reference: 'b', prediction: 'c' }));
  const judge = () => answers.map(() => Math.log(0.01));
  const draws = { draws: 20, rng: rng(0), judge };
  const {
    scores: { entailed, exactMatch },
    each,
  } = await scoreTexts(answers, ['entailment', 'exact-match'], draws);
  // Wilson at 0 of 8: from 0 to z²/(8 + z²), z = 1.96
  for (const score of [entailed, exactMatch]) {
    expect(score).toMatchObject({ estimate: 0, low: 0 });
    expect(score?.high).toBeCloseTo(3.8415 / 11.8415, 4);
  }
  expect(each).toEqual(answers.map(() => ({ entailed: 0, exactMatch: 0 })));
});
