// An agent as a plain function of one environment's observations: for recordings, films, and loops of one's own.
import {
  type Action,
  ConfigError,
  type Env,
  givenActionMask,
  type Info,
  type Obs,
  type Rng,
} from '@gimbal/tensor-core';
import { checkRng } from '../internal/given.ts';
import { readMask } from '../rollout/masks.ts';
import { standardizeRows } from '../rollout/moments.ts';
import { actionSpec } from '../spaces/action-spec.ts';
import { observationSpec, readObservations } from '../spaces/observation-spec.ts';
import { requireSameSpaces } from '../spaces/same-spaces.ts';
import { checkPlayable, type Playable } from './evaluate.ts';

/**
 * The agent's action for an observation, normalised as it was in training. A policy with a memory must be told where an
 * episode begins; where an environment masks actions, the info that came with the observation must be given.
 * @param env whose spaces count; it is neither stepped nor reset
 * @param draws where to draw actions from; absent = the most probable one
 * @returns a function of an observation, of whether it begins an episode (default: the first one does), and of its info,
 * whose `actionMask` is obeyed (absent: every choice is allowed)
 * @throws ConfigError for spaces that are not the agent's, and in use: for a mask that does not fit, or after the agent's end
 * @example
 * const act = policyOf(agent, env);
 * let { obs, info } = env.reset({ seed: 0 });
 * ({ obs, info } = env.step(act(obs, undefined, info)));
 */
export function policyOf(agent: Playable, env: Env, draws?: Rng): (obs: Obs, begins?: boolean, info?: Info) => Action {
  checkPlayable('policyOf', agent);
  if (typeof (env as Env | undefined)?.step !== 'function')
    throw new ConfigError({
      where: 'policyOf, env',
      what: 'there is no environment',
      wanted: 'the one that is played',
    });
  if (draws !== undefined) checkRng('policyOf, draws', draws);
  const observation = observationSpec(env.observationSpace);
  const action = actionSpec(env.actionSpace);
  requireSameSpaces(`policyOf, ${env.spec.id}`, { observation, action }, agent);
  const images = observation.parts.filter((part) => part.image !== undefined);
  const skip = (j: number): boolean => images.some(({ offset, size }) => j >= offset && j < offset + size);
  const row = new Float32Array(observation.size);
  const chosen = new Float32Array(action.kind === 'discrete' ? action.nvec.length : action.size);
  const memory = { state: new Float32Array(agent.memorySize ?? 0), starts: Uint8Array.of(1) };
  const where = (): string => `${env.spec.id}, info.actionMask`;
  return (obs, begins, info) => {
    checkPlayable('policyOf', agent);
    readObservations(observation, obs, 1, row, () => env.spec.id);
    if (agent.moments !== undefined) standardizeRows(agent.moments, row, { skip });
    if (begins !== undefined) memory.starts[0] = begins ? 1 : 0;
    const masks = maskOf(info, action.kind === 'discrete' ? action.nvec : undefined, where);
    agent.actRows(row, 1, chosen, draws, masks, memory);
    memory.starts[0] = 0;
    if (action.kind === 'discrete') return action.single ? (chosen[0] as number) + action.start : chosen.slice();
    return chosen.map((x, j) => Math.min(Math.max(x, action.low[j] as number), action.high[j] as number));
  };
}

/** Which choices an info allows `[Σ nvec]`, 1 = allowed; undefined where it does not say. */
function maskOf(
  info: Info | undefined,
  nvec: readonly number[] | undefined,
  where: () => string,
): Uint8Array | undefined {
  const given = givenActionMask(info ?? {}, where);
  if (given === undefined) return undefined;
  const masks = new Uint8Array((nvec ?? []).reduce((n, k) => n + k, 0));
  readMask(given, nvec, masks, 0, where);
  return masks;
}
