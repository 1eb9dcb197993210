import { ConfigError } from '@gimbal/tensor-core';
import type { ResolvedOffPolicy } from './off-policy-options.ts';

/**
 * Refuses a number of environment steps that nothing would be learnt in.
 * @param done steps so far: no more than these is no training, and fine
 * @throws ConfigError where all are before the first update, or no sum of nStep rewards is ever whole
 */
export function checkOffPolicySteps(
  name: string,
  done: number,
  steps: number,
  o: Pick<ResolvedOffPolicy, 'learningStarts' | 'trainEvery' | 'numEnvs' | 'buffer'>,
): void {
  const { learningStarts, trainEvery, numEnvs } = o;
  const { nStep = 1 } = o.buffer;
  const first = Math.ceil(learningStarts / trainEvery) * trainEvery;
  const last = Math.ceil(steps / numEnvs) * numEnvs;
  if (steps <= done) return;
  if (last < nStep * numEnvs)
    throw new ConfigError({
      where: 'buffer.nStep',
      what: 'rewards are summed over more steps than a copy does in all',
      got: nStep,
      wanted: `at most ${last / numEnvs} (steps ${steps}, numEnvs ${numEnvs})`,
      fix: 'Give more steps, or a smaller nStep',
    });
  if (last >= first) return;
  throw new ConfigError({
    where: `${name}, train`,
    what: 'nothing would be learnt: all steps are before the first update',
    got: steps,
    wanted: `at least ${first} (learningStarts ${learningStarts}, trainEvery ${trainEvery})`,
    fix: 'Give more steps, or a smaller learningStarts',
  });
}
