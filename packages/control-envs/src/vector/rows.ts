/** Steps the copies `from … from + envs.length` of shared arrays: the same code in the process and on each worker. */
import type { Action, AutoresetMode, Env, Obs, Space } from '@gimbal/tensor-core';
import { isBuffered } from '../base/buffered-env.ts';
import { restoreTo, snapshotOf } from '../base/saved-env.ts';
import type { SceneEnv } from '../composer/scene-env.ts';
import { copyInto } from '../spaces/value.ts';
import { EnvWrapper } from '../wrappers/wrapper.ts';
import { actionSize, agentsOf, rowOf, type VectorArrays, writeReason } from './arrays.ts';
import { clearMask, writeMask } from './masks.ts';

/** added to the first number of a copy's state where that has its wrappers' own numbers */
const wholeWrapper = 2;

const isPlain = (env: Env): boolean => !(env instanceof EnvWrapper);

/** Whether a copy's state has what its wrappers remember; before they had snapshots it was what is inside alone. */
export const isWholeState = (env: Env, state: Float64Array): boolean =>
  isPlain(env) || (state[0] as number) >= wholeWrapper;

export class Rows {
  readonly #envs: readonly Env[];
  /** the first copy */
  readonly from: number;
  readonly #mode: AutoresetMode;
  readonly #arrays: VectorArrays;
  readonly #obs: Obs[];
  readonly #finalObs: Obs[];
  readonly #actions: (Float32Array | undefined)[];
  readonly #scenes: (SceneEnv | undefined)[];
  /** next-step: copies whose coming step resets */
  readonly #ended: Uint8Array;

  constructor(envs: readonly Env[], from: number, mode: AutoresetMode, arrays: VectorArrays) {
    this.#envs = envs;
    this.from = from;
    this.#mode = mode;
    this.#arrays = arrays;
    this.#ended = new Uint8Array(envs.length);
    this.#scenes = envs.map(agentsOf);
    const { observationSpace, actionSpace } = envs[0] as Env;
    const rows = (stacked: Obs, space: Space): Obs[] => envs.map((_, i) => rowOf(stacked, space, from + i));
    this.#obs = rows(arrays.obs, observationSpace);
    this.#finalObs = rows(arrays.finalObs, observationSpace);
    const size = actionSize(actionSpace);
    this.#actions = envs.map((_, i) =>
      actionSpace.kind === 'discrete'
        ? undefined
        : (arrays.actions as Float32Array).subarray((from + i) * size, (from + i + 1) * size),
    );
  }

  /**
   * Resets the copies that `mask` names (all without one).
   * @param seeds one for each copy of the whole vector; null: its stream goes on
   */
  reset(
    seeds: readonly (number | null)[] | undefined,
    mask: Uint8Array | undefined,
    options: object | undefined,
  ): void {
    for (let i = 0; i < this.#envs.length; i++) {
      const row = this.from + i;
      if (mask !== undefined && mask[row] !== 1) continue;
      this.#clear(row);
      this.#resetRow(i, seeds?.[row] ?? undefined, options);
      this.#newEpisode(row);
    }
  }

  step(): void {
    for (let i = 0; i < this.#envs.length; i++) this.#stepRow(i);
  }

  /** The copies' states: snapshots of environments that offer them, else plain states. */
  save(): Float64Array[] {
    return this.#envs.map((env, i) => {
      const state = snapshotOf(env) ?? new Float64Array();
      const row = this.from + i;
      const { episodeReturn, episodeLength, agentReturn, terminated, truncated } = this.#arrays;
      const agents = this.#scenes[i]?.agents.length ?? 0;
      const sums = Float64Array.of(
        episodeReturn[row] as number,
        episodeLength[row] as number,
        ...agentReturn.subarray(row * agents, (row + 1) * agents),
      );
      // of an episode that ended: the next step begins them anew
      if (terminated[row] === 1 || truncated[row] === 1) sums.fill(0);
      const kind = isPlain(env) ? 0 : wholeWrapper;
      return Float64Array.of((this.#ended[i] as number) + kind, ...sums, ...state);
    });
  }

  load(states: readonly Float64Array[]): void {
    for (const [i, env] of this.#envs.entries()) {
      const state = states[i] as Float64Array;
      const row = this.from + i;
      const agents = this.#scenes[i]?.agents.length ?? 0;
      const head = state[0] as number;
      this.#ended[i] = head % wholeWrapper;
      this.#arrays.terminated[row] = 0;
      this.#arrays.truncated[row] = 0;
      this.#arrays.episodeReturn[row] = state[1] as number;
      this.#arrays.episodeLength[row] = state[2] as number;
      this.#arrays.agentReturn.set(state.subarray(3, 3 + agents), row * agents);
      const own = state.subarray(3 + agents);
      if (own.length === 0) continue; // nothing to save, or to restore
      // older states of wrapped copies have what is inside alone
      if (isWholeState(env, state)) restoreTo(env, own);
      else env.setState?.(own);
    }
  }

  close(): void {
    for (const env of this.#envs) env.close();
  }

  /** Rewards of the agents of a scene, and their sums. */
  #payAgents(i: number, row: number): void {
    const rewards = this.#scenes[i]?.agentRewards;
    if (rewards === undefined) return;
    const { agentReward, agentReturn } = this.#arrays;
    const from = row * rewards.length;
    for (let a = 0; a < rewards.length; a++) {
      agentReward[from + a] = rewards[a] as number;
      agentReturn[from + a] = (agentReturn[from + a] as number) + (rewards[a] as number);
    }
  }

  #newEpisode(row: number): void {
    const { episodeReturn, episodeLength, agentReturn } = this.#arrays;
    episodeReturn[row] = 0;
    episodeLength[row] = 0;
    const agents = this.#scenes[row - this.from]?.agents.length ?? 0;
    agentReturn.fill(0, row * agents, (row + 1) * agents);
  }

  #clear(row: number): void {
    const agents = this.#scenes[row - this.from]?.agents.length ?? 0;
    this.#arrays.agentReward.fill(0, row * agents, (row + 1) * agents);
    clearMask(this.#arrays.masks, row);
    this.#arrays.reward[row] = 0;
    this.#arrays.terminated[row] = 0;
    this.#arrays.truncated[row] = 0;
  }

  #resetRow(i: number, seed?: number, options?: object): void {
    const [env, obs] = [this.#envs[i] as Env, this.#obs[i] as Obs];
    this.#ended[i] = 0;
    if (isBuffered(env)) {
      env.resetInto(obs, seed, options);
      return;
    }
    const first = env.reset({ ...(seed !== undefined && { seed }), ...(options !== undefined && { options }) });
    copyInto(obs, first.obs);
    writeMask(this.#arrays.masks, this.from + i, env, first.info);
  }

  #stepRow(i: number): void {
    const arrays = this.#arrays;
    const row = this.from + i;
    if (this.#ended[i] === 1) {
      this.#clear(row);
      this.#resetRow(i);
      this.#newEpisode(row);
      return;
    }
    if (arrays.terminated[row] === 1 || arrays.truncated[row] === 1) this.#newEpisode(row);
    const env = this.#envs[i] as Env;
    const obs = this.#obs[i] as Obs;
    const action: Action = this.#actions[i] ?? (arrays.actions[row] as number);
    let [reward, terminated, truncated, reason] = [0, false, false, ''];
    if (isBuffered(env)) {
      env.stepInto(action, obs);
      ({ reward, terminated, truncated } = env);
      reason = env.truncatedReason;
      arrays.divergences[row] = env.divergences;
    } else {
      const result = env.step(action);
      copyInto(obs, result.obs);
      ({ reward, terminated, truncated } = result);
      reason = String(result.info.truncatedReason ?? 'time limit');
      const ended = terminated || truncated;
      clearMask(arrays.masks, row);
      const as = ended && this.#mode === 'same-step' ? 'final' : 'allowed';
      writeMask(arrays.masks, row, env, result.info, { ended, as });
    }
    arrays.reward[row] = reward;
    arrays.terminated[row] = terminated ? 1 : 0;
    arrays.truncated[row] = truncated ? 1 : 0;
    arrays.episodeReturn[row] = (arrays.episodeReturn[row] as number) + reward;
    arrays.episodeLength[row] = (arrays.episodeLength[row] as number) + 1;
    this.#payAgents(i, row);
    if (!terminated && !truncated) return;
    writeReason(arrays.reason, row, truncated ? reason : '');
    if (this.#mode === 'next-step') this.#ended[i] = 1;
    if (this.#mode === 'same-step') {
      copyInto(this.#finalObs[i] as Obs, obs);
      this.#resetRow(i);
    }
  }
}
