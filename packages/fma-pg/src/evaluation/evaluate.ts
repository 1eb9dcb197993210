/** Playing an agent: returns of whole episodes, with intervals. */

import type { Rng } from '@gimbal/tensor-core';
import { ConfigError, checkCount, checkKnown, checkOption, checkSeed, type Env, rng } from '@gimbal/tensor-core';
import type { PolicyMemory } from '../policies/recurrent.ts';
import { madeBy } from '../rollout/env-faults.ts';
import { LocalVectorEnv } from '../rollout/local-vector-env.ts';
import type { RunningMoments } from '../rollout/moments.ts';
import { Stepper } from '../rollout/stepper.ts';
import { actionSpec } from '../spaces/action-spec.ts';
import { observationSpec } from '../spaces/observation-spec.ts';
import { type AgentSpaces, requireSameSpaces } from '../spaces/same-spaces.ts';
import { Limited } from './limited.ts';
import { bootstrapInterval, deviationOf, interquartileMean, meanOf } from './statistics.ts';

/** What can be evaluated: every agent here. */
export interface Playable extends Partial<AgentSpaces> {
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
  /** whether its memory was given back: it plays no more */
  readonly disposed?: boolean;
}

/** @throws ConfigError for what cannot be played, or no more */
export function checkPlayable(where: string, agent: Playable): void {
  if (typeof (agent as Playable | undefined)?.actRows !== 'function')
    throw new ConfigError({ where, what: 'there is no agent', wanted: 'an OnPolicyAgent or OffPolicyAgent' });
  if (agent.disposed === true) throw new ConfigError({ where, what: 'the agent was disposed' });
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
  /**
   * an episode is cut after so many steps: a policy that goes nowhere would play one without a time limit for ever;
   * default 10,000, or the environment's own limit where that is longer
   */
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
  /** how many of them a time limit ended, the environment's own or `maxSteps` */
  truncated: number;
  /** how many of those it was `maxSteps` that ended, which is none of the task: their returns are those up to there */
  cut: number;
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
 * @throws ConfigError for options, an agent that was disposed, no environment to play on, or one whose spaces are not the
 * agent’s
 * @example const { mean, ci95 } = await evaluate(agent, { episodes: 20, seed: 7 });
 */
export async function evaluate(agent: Playable, o: EvaluateOptions): Promise<Evaluation> {
  checkPlayable('evaluate', agent);
  checkKnown('evaluate', o, ['episodes', 'deterministic', 'numEnvs', 'env', 'maxSteps', 'seed']);
  const { episodes = 10, deterministic = true, maxSteps, seed } = o;
  if (maxSteps !== undefined) checkCount('maxSteps', maxSteps);
  if (o.numEnvs !== undefined) checkCount('numEnvs', o.numEnvs);
  checkCount('episodes', episodes);
  if (seed === undefined)
    throw new ConfigError({
      where: 'evaluate',
      what: 'there is no seed',
      wanted: 'a whole number',
      fix: 'Give seed: 0',
    });
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
  const limited = async (): Promise<Env> => {
    const made = await madeBy(make, 'evaluate, env');
    return new Limited(made, maxSteps ?? stepsOf(made));
  };
  const env = await LocalVectorEnv.create(limited, numEnvs);
  try {
    return await play(agent, env, { episodes, deterministic, maxSteps: maxSteps ?? stepsOf(env), seed });
  } finally {
    env.close();
  }
}

/** Steps after which an episode is cut where nothing is said: seconds for a table, more than most tasks have. */
const mostSteps = 10_000;

/** Of an environment that has a longer time limit, that one. */
const stepsOf = ({ spec }: Pick<Env, 'spec'>): number =>
  Number.isFinite(spec.maxSteps) ? Math.max(mostSteps, spec.maxSteps) : mostSteps;

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
  const spaces = { observation: observationSpec(env.observationSpace), action: actionSpec(env.actionSpace) };
  requireSameSpaces(`evaluate, ${env.spec.id}`, spaces, agent);
  const { observation, action } = spaces;
  const options = {
    normalizeObs: agent.moments !== undefined,
    normalizeReward: false,
    gamma: agent.gamma,
    training: false,
  };
  const stepper = new Stepper(env, observation, action, options, agent.moments);
  const stream = rng(seed).split('evaluate');
  const draws = stream.split('actions');
  await stepper.reset(stream.split('env'));
  const width = action.kind === 'discrete' ? action.nvec.length : action.size;
  const actions = new Float32Array(numEnvs * width);
  const [returns, lengths] = [new Float64Array(numEnvs), new Float64Array(numEnvs)];
  const played = Array.from({ length: numEnvs }, (): Played[] => []);
  const quota = (n: number): number => Math.floor(episodes / numEnvs) + (n < episodes % numEnvs ? 1 : 0);
  const memory = { state: new Float32Array(numEnvs * (agent.memorySize ?? 0)), starts: stepper.starts };
  while (played.some((list, n) => list.length < quota(n))) {
    agent.actRows(stepper.obs, numEnvs, actions, deterministic ? undefined : draws, stepper.masks, memory);
    await stepper.step(actions);
    for (let n = 0; n < numEnvs; n++) {
      returns[n] = (returns[n] as number) + (stepper.rawRewards[n] as number);
      const length = (lengths[n] as number) + 1;
      lengths[n] = length;
      if (stepper.terminated[n] !== 1 && stepper.truncated[n] !== 1) continue;
      const list = played[n] as Played[];
      const isTruncated = stepper.truncated[n] === 1;
      // of a time limit of the environment's own nothing was cut
      const isCut = isTruncated && length >= maxSteps && !(env.spec.maxSteps <= maxSteps);
      if (list.length < quota(n)) list.push({ return: returns[n] as number, length, isTruncated, isCut });
      returns[n] = 0;
      lengths[n] = 0;
    }
  }
  return summary(played.flat(), stream.split('bootstrap'));
}

interface Played {
  return: number;
  length: number;
  isTruncated: boolean;
  isCut: boolean;
}

function summary(played: readonly Played[], stream: Rng): Evaluation {
  const returns = played.map((episode) => episode.return);
  return {
    returns,
    lengths: played.map(({ length }) => length),
    truncated: played.filter(({ isTruncated }) => isTruncated).length,
    cut: played.filter(({ isCut }) => isCut).length,
    mean: meanOf(returns),
    std: deviationOf(returns),
    iqm: interquartileMean(returns),
    ci95: bootstrapInterval(returns, meanOf, stream),
  };
}
