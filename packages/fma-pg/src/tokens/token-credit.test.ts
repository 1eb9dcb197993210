import { useBackend } from '@gimbal/tensor-core';
import { creditTokens } from './token-credit.ts';
import { type ResolvedTokenOptions, tokenDefaults } from './token-options.ts';

beforeAll(() => useBackend('auto'));

/** Four completions of one token each, of two prompts; the policy is the reference. */
const credit = (o: Partial<ResolvedTokenOptions>): number[] => {
  const batch = { ids: new Int32Array(4), width: 1, lengths: new Int32Array(4).fill(1) };
  const groups = Int32Array.of(0, 0, 1, 1);
  const { credited } = creditTokens({ ...tokenDefaults, baseline: 'batch', ...o } as ResolvedTokenOptions, {
    rollout: { prompts: batch, completions: batch, mask: new Float32Array(4).fill(1), groups },
    rewards: [0, 2, 10, 30],
    logProbs: new Float32Array(4),
    refLogProbs: new Float32Array(4),
    values: undefined,
    step: 0,
    movingAverage: null,
  });
  return Array.from(credited.advantages);
};

test('advantages of tokens are divided by their spread in the batch, or among the completions of a prompt', () => {
  // the mean is 10.5
  expect(credit({})).toEqual([-10.5, -8.5, -0.5, 19.5]);
  // in the first group ∓1 around −9.5, in the second ∓10 around 9.5: deviations √2 and √200
  for (const [i, x] of credit({ normalizeAdvantage: 'group' }).entries())
    expect(x).toBeCloseTo((i % 2 === 0 ? -1 : 1) / Math.SQRT2, 5);
  // Σ of squares 110.25 + 72.25 + .25 + 380.25 = 563, over 3
  const deviation = Math.sqrt(563 / 3);
  for (const [i, x] of credit({ normalizeAdvantage: 'batch' }).entries())
    expect(x).toBeCloseTo(([-10.5, -8.5, -0.5, 19.5][i] as number) / deviation, 5);
});
