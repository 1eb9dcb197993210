/** Steps the copies `from … from + envs.length` of shared arrays: the same code in the process and on each worker. */
import type { Action, AutoresetMode, Env, Obs, Space } from '@gimbal/tensor-core';
import { isBuffered } from '../base/buffered-env.ts';
import { copyInto } from '../spaces/value.ts';
import { actionSize, rowOf, type VectorArrays, writeReason } from './arrays.ts';

export class Rows {
  readonly #envs: readonly Env[];
  readonly #from: number;
  readonly #mode: AutoresetMode;
  readonly #arrays: VectorArrays;
  readonly #obs: Obs[];
  readonly #finalObs: Obs[];
  readonly #actions: (Float32Array | undefined)[];
  /** next-step: copies whose coming step resets */
  readonly #ended: Uint8Array;

  constructor(envs: readonly Env[], from: number, mode: AutoresetMode, arrays: VectorArrays) {
    this.#envs = envs;
    this.#from = from;
    this.#mode = mode;
    this.#arrays = arrays;
    this.#ended = new Uint8Array(envs.length);
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
      const row = this.#from + i;
      if (mask !== undefined && mask[row] !== 1) continue;
      this.#clear(row);
      this.#resetRow(i, seeds?.[row] ?? undefined, options);
      this.#arrays.episodeReturn[row] = 0;
      this.#arrays.episodeLength[row] = 0;
    }
  }

  step(): void {
    for (let i = 0; i < this.#envs.length; i++) this.#stepRow(i);
  }

  /** Restores the copies' states: snapshots of environments that offer them, else plain states. */
  save(): Float64Array[] {
    return this.#envs.map((env, i) => {
      const state = isBuffered(env) ? env.snapshot() : (env.getState?.() ?? new Float64Array());
      const row = this.#from + i;
      const { episodeReturn, episodeLength } = this.#arrays;
      return Float64Array.of(
        this.#ended[i] as number,
        episodeReturn[row] as number,
        episodeLength[row] as number,
        ...state,
      );
    });
  }

  load(states: readonly Float64Array[]): void {
    for (const [i, env] of this.#envs.entries()) {
      const state = states[i] as Float64Array;
      const row = this.#from + i;
      this.#ended[i] = state[0] as number;
      this.#arrays.episodeReturn[row] = state[1] as number;
      this.#arrays.episodeLength[row] = state[2] as number;
      if (isBuffered(env)) env.restore(state.subarray(3));
      else env.setState?.(state.subarray(3));
    }
  }

  close(): void {
    for (const env of this.#envs) env.close();
  }

  #clear(row: number): void {
    this.#arrays.reward[row] = 0;
    this.#arrays.terminated[row] = 0;
    this.#arrays.truncated[row] = 0;
  }

  #resetRow(i: number, seed?: number, options?: object): void {
    const [env, obs] = [this.#envs[i] as Env, this.#obs[i] as Obs];
    this.#ended[i] = 0;
    if (isBuffered(env)) env.resetInto(obs, seed, options);
    else
      copyInto(obs, env.reset({ ...(seed !== undefined && { seed }), ...(options !== undefined && { options }) }).obs);
  }

  #stepRow(i: number): void {
    const arrays = this.#arrays;
    const row = this.#from + i;
    if (this.#ended[i] === 1) {
      this.#clear(row);
      this.#resetRow(i);
      arrays.episodeReturn[row] = 0;
      arrays.episodeLength[row] = 0;
      return;
    }
    if (arrays.terminated[row] === 1 || arrays.truncated[row] === 1) {
      arrays.episodeReturn[row] = 0;
      arrays.episodeLength[row] = 0;
    }
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
    }
    arrays.reward[row] = reward;
    arrays.terminated[row] = terminated ? 1 : 0;
    arrays.truncated[row] = truncated ? 1 : 0;
    arrays.episodeReturn[row] = (arrays.episodeReturn[row] as number) + reward;
    arrays.episodeLength[row] = (arrays.episodeLength[row] as number) + 1;
    if (!terminated && !truncated) return;
    writeReason(arrays.reason, row, truncated ? reason : '');
    if (this.#mode === 'next-step') this.#ended[i] = 1;
    if (this.#mode === 'same-step') {
      copyInto(this.#finalObs[i] as Obs, obs);
      this.#resetRow(i);
    }
  }
}
