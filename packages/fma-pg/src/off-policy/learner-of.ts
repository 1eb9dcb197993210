// The learner that options ask for, and what it needs of the environment.
import { ConfigError, type GoalEnv, type Rng } from '@gimbal/tensor-core';
import { checkPaid } from '../replay/checked.ts';
import { checkGoals, type GoalRelabel } from '../replay/replay-buffer.ts';
import { madeBy, threw } from '../rollout/env-faults.ts';
import { type ActionSpec, requireActions, requireBounds } from '../spaces/action-spec.ts';
import { type ObservationSpec, observationSpec } from '../spaces/observation-spec.ts';
import { Dqn } from './dqn.ts';
import type { OffPolicyLearner } from './learner.ts';
import { algorithmName, type ResolvedOffPolicy } from './off-policy-options.ts';
import { Sac } from './sac.ts';
import { Td3 } from './td3.ts';

/** @throws ConfigError for spaces that the algorithm cannot act in */
export function learnerOf(
  o: ResolvedOffPolicy,
  observation: ObservationSpec,
  action: ActionSpec,
  init: Rng,
): OffPolicyLearner {
  const { algorithm, hidden, gamma, tau = algorithm === 'dqn' ? 1 : 0.005 } = o;
  const name = algorithmName(algorithm);
  if (algorithm === 'dqn') {
    const { nvec } = requireActions(algorithm, action, 'discrete');
    if (nvec.length !== 1)
      throw new ConfigError({
        where: 'dqn, action space',
        what: 'dqn chooses one number',
        got: `${nvec.length} numbers`,
        fix: 'Use ppo',
      });
    return new Dqn(
      { observation, choices: nvec[0] as number, hidden, double: o.double, tau, maxGradNorm: o.maxGradNorm },
      init,
    );
  }
  const box = requireActions(name, action, 'continuous');
  requireBounds(name, box);
  if (observation.parts.some((part) => part.image !== undefined))
    throw new ConfigError({
      where: `${name}, observation space`,
      what: `${name} reads no images`,
      fix: 'Use ppo or dqn, or encode the images first',
    });
  const sizes = { observation: observation.size, action: box.size, hidden };
  if (algorithm !== 'td3') {
    const { alpha, learnAlpha, targetEntropy = -box.size } = o;
    const soft = { ...sizes, gamma, tau, alpha, learnAlpha, targetEntropy };
    return new Sac(algorithm === 'mdpo' ? { ...soft, proximal: o.proximal } : soft, init);
  }
  const { explorationNoise, targetNoise, targetNoiseClip, policyDelay } = o;
  return new Td3({ ...sizes, tau, explorationNoise, targetNoise, targetNoiseClip, policyDelay }, init);
}

/** Goals of an environment of its own. */
export interface EnvGoals {
  relabel: GoalRelabel;
  /** closes the environment that is asked what goals pay */
  close(): void;
}

/**
 * Where goals stand in an observation, and what they pay; the caller closes them.
 * @throws ConfigError for copies made by the caller, which do not say what goals pay, and where the observation has no
 *   goals in it, or goals of two sizes
 */
export async function goalsOf(o: ResolvedOffPolicy): Promise<EnvGoals | undefined> {
  if (typeof o.env !== 'function')
    throw new ConfigError({
      where: 'buffer.her',
      what: 'env is copies that are made already: none of them can be asked what a goal pays',
      got: `${o.env.numEnvs} of ${o.env.spec.id}`,
      wanted: 'a function that makes one environment',
      fix: `Give env: () => new …, with numEnvs: ${o.env.numEnvs}`,
    });
  const env = (await madeBy(o.env, 'env')) as GoalEnv;
  try {
    const relabel = relabelOf(env);
    if (relabel !== undefined) return { relabel, close: () => env.close() };
  } catch (error) {
    env.close();
    throw error;
  }
  env.close();
  return undefined;
}

function relabelOf(env: GoalEnv): GoalRelabel | undefined {
  if (typeof env.computeReward !== 'function') return undefined;
  const find = (names: readonly string[]): { from: number; size: number } => {
    const part = observationSpec(env.observationSpace).parts.find(({ path }) => names.includes(path));
    if (part !== undefined) return { from: part.offset, size: part.size };
    const fix = 'Give a dictionary observation with achieved_goal and desired_goal';
    throw new ConfigError({ where: 'buffer.her', what: `the observation has no ${names[0]}`, fix });
  };
  const goals = { achieved: find(['achieved_goal', 'achieved']), desired: find(['desired_goal', 'desired']) };
  const { id } = env.spec;
  checkGoals(goals, `buffer.her, ${id}`);
  const where = `${id}, computeReward`;
  const reward: GoalRelabel['reward'] = (achieved, desired) => {
    let paid: unknown;
    try {
      paid = env.computeReward(achieved, desired);
    } catch (error) {
      throw threw(error, where);
    }
    return checkPaid(paid, where);
  };
  return { ...goals, reward };
}
