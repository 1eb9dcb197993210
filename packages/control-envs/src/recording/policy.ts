/** Who acts while an environment is recorded or watched. */
import { type Action, ConfigError, DataError, type Env, type Info, rng } from '@gimbal/tensor-core';
import { drawAllowed } from '../checker/allowed.ts';

/**
 * Chooses actions: 'random' (of those that `info.actionMask` allows), 'zero', recorded ones (repeated from the start when they end), or a function of the
 * observation, of whether it begins an episode, and of the info that came with it (where actions are masked: its
 * `actionMask`).
 */
export type RecordPolicy =
  | 'random'
  | 'zero'
  | readonly (readonly number[])[]
  | ((obs: unknown, begins: boolean, info: Info) => Action);

/**
 * @returns the action at step t
 * @throws ConfigError for what is no policy; DataError for recorded actions of which there are none
 */
export function chooser(
  env: Env,
  policy: RecordPolicy,
  seed: number,
): (obs: unknown, t: number, begins: boolean, info: Info) => Action {
  if (typeof policy === 'function') return (obs, _, begins, info) => policy(obs, begins, info);
  if (policy === 'random') {
    const stream = rng(seed).split('record');
    return (_obs, _t, _begins, info) => drawAllowed(env, info, stream);
  }
  if (policy === 'zero') {
    const { actionSpace } = env;
    return () => (actionSpace.kind === 'box' ? new Float32Array(actionSpace.low.length) : 0);
  }
  if (!Array.isArray(policy)) {
    const wanted = "'random', 'zero', recorded actions or a function";
    throw new ConfigError({ where: 'record', what: 'no such policy', got: policy, wanted });
  }
  if (policy.length === 0) throw new DataError({ where: 'record', what: 'no recorded actions' });
  return (_, t) => {
    const action = policy[t % policy.length] as readonly number[];
    if (!Array.isArray(action)) {
      const what = `action ${t % policy.length} is no list of numbers`;
      throw new DataError({ where: 'record', what, got: action });
    }
    return env.actionSpace.kind === 'discrete' ? (action[0] as number) : Float32Array.from(action);
  };
}
