// An agent as a plain function of one environment's observations: for recordings, films, and loops of one's own.
import type { Action, Env, Obs, Rng } from '@gimbal/tensor-core';
import { standardizeRows } from '../rollout/moments.ts';
import { actionSpec } from '../spaces/action-spec.ts';
import { observationSpec, readObservations } from '../spaces/observation-spec.ts';
import type { Playable } from './evaluate.ts';

/**
 * The agent's action for an observation, normalised as it was in training. Action masks are not known here: every
 * choice is allowed. A policy with a memory must be told where an episode begins.
 * @param env whose spaces count; it is neither stepped nor reset
 * @param draws where to draw actions from; absent = the most probable one
 * @returns a function of an observation, and of whether it begins an episode (default: the first one does); it must not be used after the agent is disposed
 * @throws ConfigError for spaces that no agent has
 * @example
 * const act = policyOf(agent, env);
 * let { obs } = env.reset({ seed: 0 });
 * ({ obs } = env.step(act(obs)));
 */
export function policyOf(agent: Playable, env: Env, draws?: Rng): (obs: Obs, begins?: boolean) => Action {
  const observation = observationSpec(env.observationSpace);
  const action = actionSpec(env.actionSpace);
  const images = observation.parts.filter((part) => part.image !== undefined);
  const skip = (j: number): boolean => images.some(({ offset, size }) => j >= offset && j < offset + size);
  const row = new Float32Array(observation.size);
  const chosen = new Float32Array(action.kind === 'discrete' ? action.nvec.length : action.size);
  const memory = { state: new Float32Array(agent.memorySize ?? 0), starts: Uint8Array.of(1) };
  return (obs, begins) => {
    readObservations(observation, obs, 1, row, () => env.spec.id);
    if (agent.moments !== undefined) standardizeRows(agent.moments, row, { skip });
    if (begins !== undefined) memory.starts[0] = begins ? 1 : 0;
    agent.actRows(row, 1, chosen, draws, undefined, memory);
    memory.starts[0] = 0;
    if (action.kind === 'discrete') return action.single ? (chosen[0] as number) + action.start : chosen.slice();
    return chosen.map((x, j) => Math.min(Math.max(x, action.low[j] as number), action.high[j] as number));
  };
}
