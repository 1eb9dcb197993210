import { ConfigError } from '@gimbal/tensor-core';
import type { ResolvedOffPolicy } from './off-policy-options.ts';

/**
 * Refuses a number of environment steps that nothing would be learnt in. (Whether a sum of nStep rewards is ever whole is
 * not known before: an episode's end cuts it short. A run that learnt nothing says so at its end.)
 * @param done steps so far: no more than these is no training, and fine
 * @throws ConfigError where all are before the first update
 */
export function checkOffPolicySteps(
  name: string,
  done: number,
  steps: number,
  o: Pick<ResolvedOffPolicy, 'learningStarts' | 'trainEvery' | 'numEnvs'>,
): void {
  const { learningStarts, trainEvery, numEnvs } = o;
  const first = Math.ceil(learningStarts / trainEvery) * trainEvery;
  const last = Math.ceil(steps / numEnvs) * numEnvs;
  if (steps <= done || last >= first) return;
  throw new ConfigError({
    where: `${name}, train`,
    what: 'nothing would be learnt: all steps are before the first update',
    got: steps,
    wanted: `at least ${first} (learningStarts ${learningStarts}, trainEvery ${trainEvery})`,
    fix: 'Give more steps, or a smaller learningStarts',
  });
}
