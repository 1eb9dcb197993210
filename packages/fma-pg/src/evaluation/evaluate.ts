/** Playing an agent: returns of whole episodes, with intervals. */

import type { Rng } from '@gimbal/tensor-core';
import { ConfigError, checkCount, checkKnown, checkOption, checkSeed, type Env, rng } from '@gimbal/tensor-core';
import type { PolicyMemory } from '../policies/recurrent.ts';
import { LocalVectorEnv } from '../rollout/local-vector-env.ts';
import type { RunningMoments } from '../rollout/moments.ts';
import { Stepper } from '../rollout/stepper.ts';
import { actionSpec } from '../spaces/action-spec.ts';
import { observationSpec } from '../spaces/observation-spec.ts';
import { bootstrapInterval, deviationOf, interquartileMean, meanOf } from './statistics.ts';

/** What can be evaluated: every agent here. */
export interface Playable {
  /** the observations' running statistics, where they are normalised */
  readonly moments: RunningMoments | undefined;
  /** how environments to evaluate on are made, where none is given */
  readonly evalEnv: (() => Env | Promise<Env>) | undefined;
  /** the discount it was trained with */
  readonly gamma: number;
  /**
   * Actions of `rows` normalised observations, `[rows·action]`.
   * @param rng where to draw from; undefined = the most probable action
   * @param memory of the rows, where it has one: it moves on
   */
  actRows(
    obs: Float32Array,
    rows: number,
    out: Float32Array,
    rng?: Rng,
    masks?: Uint8Array,
    memory?: PolicyMemory,
  ): void;
  /** numbers of a copy's memory; absent or 0: it has none */
  readonly memorySize?: number;
}

/** How many episodes are played, where and how. */
export interface EvaluateOptions {
  /** default 10 */
  episodes?: number;
  /** default true: the most probable action */
  deterministic?: boolean;
  /** copies that play side by side; each plays its share of the episodes, so that long ones count as short ones do */
  numEnvs?: number;
  /** makes one environment; default the agent's own */
  env?: () => Env | Promise<Env>;
  /** an episode that is longer ends the evaluation with an error; default 1e6 */
  maxSteps?: number;
  /** of environments and actions */
  seed: number;
}

/** Returns of whole episodes, and statistics of them. */
export interface Evaluation {
  /** undiscounted, in the order of copies and episodes */
  returns: number[];
  /** steps of the same episodes */
  lengths: number[];
  /** of the returns */
  mean: number;
  /** over episodes */
  std: number;
  /** mean of the middle half */
  iqm: number;
  /** bootstrap interval of the mean */
  ci95: readonly [number, number];
}

/**
 * Plays whole episodes. Normalisation statistics are read, not moved. The same seed gives the same returns.
 * @example const { mean, ci95 } = await evaluate(agent, { episodes: 20, seed: 7 });
 */
export async function evaluate(agent: Playable, o: EvaluateOptions): Promise<Evaluation> {
  checkKnown('evaluate', o, ['episodes', 'deterministic', 'numEnvs', 'env', 'maxSteps', 'seed']);
  const { episodes = 10, deterministic = true, maxSteps = 1e6, seed } = o;
  if (o.numEnvs !== undefined) checkCount('numEnvs', o.numEnvs);
  checkCount('episodes', episodes);
  checkSeed(seed);
  checkOption('deterministic', deterministic, typeof deterministic === 'boolean', 'true or false');
  const make = o.env ?? agent.evalEnv;
  if (typeof make !== 'function')
    throw new ConfigError({
      where: 'evaluate',
      what: make === undefined ? 'there is no environment' : 'env is no function that makes one',
      fix: 'Give env, a function that makes one: env: () => makeEnv(…)',
    });
  const numEnvs = Math.min(o.numEnvs ?? 1, episodes);
  const env = await LocalVectorEnv.create(make, numEnvs);
  try {
    return await play(agent, env, { episodes, deterministic, maxSteps, seed });
  } finally {
    env.close();
  }
}

async function play(
  agent: Playable,
  env: LocalVectorEnv,
  {
    episodes,
    deterministic,
    maxSteps,
    seed,
  }: { episodes: number; deterministic: boolean; maxSteps: number; seed: number },
): Promise<Evaluation> {
  const { numEnvs } = env;
  const action = actionSpec(env.actionSpace);
  const options = {
    normalizeObs: agent.moments !== undefined,
    normalizeReward: false,
    gamma: agent.gamma,
    training: false,
  };
  const stepper = new Stepper(env, observationSpec(env.observationSpace), action, options, agent.moments);
  const stream = rng(seed).split('evaluate');
  const draws = stream.split('actions');
  await stepper.reset(stream.split('env'));
  const width = action.kind === 'discrete' ? action.nvec.length : action.size;
  const actions = new Float32Array(numEnvs * width);
  const [returns, lengths] = [new Float64Array(numEnvs), new Float64Array(numEnvs)];
  const played = Array.from({ length: numEnvs }, (): { return: number; length: number }[] => []);
  const quota = (n: number): number => Math.floor(episodes / numEnvs) + (n < episodes % numEnvs ? 1 : 0);
  const memory = { state: new Float32Array(numEnvs * (agent.memorySize ?? 0)), starts: stepper.starts };
  while (played.some((list, n) => list.length < quota(n))) {
    agent.actRows(stepper.obs, numEnvs, actions, deterministic ? undefined : draws, stepper.masks, memory);
    await stepper.step(actions);
    for (let n = 0; n < numEnvs; n++) {
      returns[n] = (returns[n] as number) + (stepper.rawRewards[n] as number);
      lengths[n] = (lengths[n] as number) + 1;
      if (stepper.terminated[n] === 1 || stepper.truncated[n] === 1) {
        const list = played[n] as { return: number; length: number }[];
        if (list.length < quota(n)) list.push({ return: returns[n] as number, length: lengths[n] as number });
        returns[n] = 0;
        lengths[n] = 0;
      } else if ((lengths[n] as number) > maxSteps) {
        const where = `evaluate, ${env.spec.id}`;
        throw new ConfigError({
          where,
          what: `an episode is longer than ${maxSteps} steps`,
          fix: 'Give the environment a time limit',
        });
      }
    }
  }
  const all = played.flat();
  return summary(
    all.map((e) => e.return),
    all.map((e) => e.length),
    stream.split('bootstrap'),
  );
}

function summary(returns: number[], lengths: number[], stream: Rng): Evaluation {
  return {
    returns,
    lengths,
    mean: meanOf(returns),
    std: deviationOf(returns),
    iqm: interquartileMean(returns),
    ci95: bootstrapInterval(returns, meanOf, stream),
  };
}
