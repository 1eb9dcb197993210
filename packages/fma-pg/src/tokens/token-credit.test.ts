import { useBackend } from '@gimbal/tensor-core';
import { creditTokens } from './token-credit.ts';
import { type ResolvedTokenOptions, tokenDefaults } from './token-options.ts';

beforeAll(() => useBackend('auto'));

/** Four completions of one token each, of two prompts. @param ahead log p − log p_ref of each: 0, the policy is the reference */
const credited = (
  o: Partial<ResolvedTokenOptions>,
  movingAverage: number | null = null,
  ahead = 0,
  rewards: readonly (number | null)[] = [0, 2, 10, 30],
) => {
  const batch = { ids: new Int32Array(4), width: 1, lengths: new Int32Array(4).fill(1) };
  const groups = Int32Array.of(0, 0, 1, 1);
  return creditTokens({ ...tokenDefaults, baseline: 'batch', ...o } as ResolvedTokenOptions, {
    rollout: { prompts: batch, completions: batch, mask: new Float32Array(4).fill(1), groups },
    rewards,
    logProbs: new Float32Array(4).fill(ahead - 1),
    refLogProbs: new Float32Array(4).fill(-1),
    values: undefined,
    step: 0,
    movingAverage,
  });
};
const credit = (o: Partial<ResolvedTokenOptions>): number[] => Array.from(credited(o).credited.advantages);

test('the moving average goes a tenth of the way to the mean return of a step, and begins there', () => {
  const own = { baseline: 'moving-average' } as const;
  // the mean is 10.5
  const first = credited(own);
  expect(first.movingAverage).toBeCloseTo(10.5, 6);
  expect(Array.from(first.credited.advantages)).toEqual([-10.5, -8.5, -0.5, 19.5]);
  const next = credited(own, 20.5);
  expect(next.movingAverage).toBeCloseTo(0.9 * 20.5 + 0.1 * 10.5, 6);
  // compared with what it was before them
  expect(Array.from(next.credited.advantages)).toEqual([-20.5, -18.5, -10.5, 9.5]);
});

test('what is not rewarded is in no moving average, and a step without a reward leaves it as it is', () => {
  const own = { baseline: 'moving-average' } as const;
  const none = [null, null, null, null];
  for (const credit of ['token', 'sequence'] as const)
    for (const before of [null, 20.5]) {
      const { movingAverage, credited: c } = credited({ ...own, credit }, before, 0, none);
      expect(movingAverage).toBe(before);
      expect(Array.from(c.advantages)).toEqual([0, 0, 0, 0]);
    }
  // the mean of those that have one is 20, not 10
  const half = [null, 10, null, 30];
  expect(credited(own, null, 0, half).movingAverage).toBe(20);
  const next = credited(own, 30, 0, half);
  expect(next.movingAverage).toBeCloseTo(0.9 * 30 + 0.1 * 20, 12);
  expect(Array.from(credited({ ...own, credit: 'sequence' }, 30, 0, half).credited.advantages)).toEqual([0, -20, 0, 0]);
});

test('the KL takes from the reward where the policy is likelier than the reference', () => {
  // one token each, log p − log p_ref = .5
  const { metrics, credited: c } = credited({ klCoef: 0.2 }, null, 0.5);
  expect(metrics.kl).toBeCloseTo(0.5, 6);
  expect(metrics.rewardKl).toBeCloseTo(-0.1, 6);
  expect(metrics.reward).toBe(10.5); // without it
  expect(Array.from(c.returns)).toEqual([0, 2, 10, 30].map((r) => expect.closeTo(r - 0.1, 5)));
  expect(credited({ klCoef: 0.2, klIn: 'loss' }, null, 0.5).metrics.rewardKl).toBe(0);
});

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
