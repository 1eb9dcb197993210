// What a user's reward source gives, checked before anything is learnt from it.
import { DataError, NumericalError } from '@gimbal/tensor-core';
import type { RewardSource, TransitionBatch } from '../agents/on-policy-options.ts';
import { dropped, isPromise, threw } from './env-faults.ts';

/**
 * Rewards of a batch.
 * @param where names row i, for messages
 * @returns `[rows]`, finite
 * @throws ConfigError for what it throws, DataError for a promise or another number of rewards, NumericalError for one that is not finite
 */
export function sourceRewards(
  source: RewardSource,
  batch: TransitionBatch,
  where: (row: number) => string,
): Float32Array {
  let rewards: Float32Array;
  try {
    rewards = source.reward(batch);
  } catch (error) {
    throw threw(error, 'rewardSource', 'reward');
  }
  if (isPromise(rewards)) {
    dropped(rewards);
    const fix = 'Answer at once: what is waited for is computed before';
    throw new DataError({ where: 'rewardSource', what: 'it gave a promise', wanted: `${batch.rows} rewards`, fix });
  }
  if (rewards?.length !== batch.rows)
    throw new DataError({
      where: 'rewardSource',
      what: 'it gave another number of rewards',
      got: rewards?.length,
      wanted: batch.rows,
    });
  const bad = rewards.findIndex((reward) => !Number.isFinite(reward));
  if (bad < 0) return rewards;
  throw new NumericalError({
    where: `rewardSource, ${where(bad)}`,
    what: 'the reward is not finite',
    got: rewards[bad],
    wanted: 'a finite number',
  });
}
