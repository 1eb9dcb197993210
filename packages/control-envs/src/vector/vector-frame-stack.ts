/** The last observations of each copy as one. */
import type { BoxSpace, Space, VecInfo, VecObs, VectorEnv, VectorStep } from '@gimbal/tensor-core';
import { elementsOf } from '../spaces/spaces.ts';
import { allocate } from '../spaces/value.ts';
import { beginStack, type FrameStackOptions, pushFrame, stackedSpace } from '../wrappers/stacked-space.ts';
import { VectorEnvWrapper, type VectorReset } from './vector-wrapper.ts';

/**
 * The last `count` observations of each copy, oldest first, as one box of shape `[count, …]`; a copy's stack begins
 * anew with its episode, and `finalObs` is the stack at the end of the one before. Results are new arrays.
 */
export class VectorFrameStack extends VectorEnvWrapper {
  readonly #space: BoxSpace;
  readonly #count: number;
  readonly #options: FrameStackOptions;
  readonly #frames: Float32Array;
  readonly #size: number;
  /** next-step: copies whose coming step resets */
  readonly #ended: Uint8Array;

  /** @throws ConfigError for a bad count, and for observations that are no Box */
  constructor(env: VectorEnv, count: number, options: FrameStackOptions = {}) {
    super(env);
    this.#space = stackedSpace(env.observationSpace, count, options, 'VectorFrameStack');
    this.#count = count;
    this.#options = options;
    this.#size = elementsOf(this.#space) / count;
    this.#frames = allocate(this.#space, env.numEnvs) as Float32Array;
    this.#ended = new Uint8Array(env.numEnvs);
  }

  override get observationSpace(): Space {
    return this.#space;
  }

  override async reset(o?: VectorReset): Promise<{ obs: VecObs; infos: VecInfo }> {
    const { obs, infos } = await this.env.reset(o);
    for (let i = 0; i < this.numEnvs; i++) if (o?.mask === undefined || o.mask[i] === 1) this.#begin(i, obs);
    return { obs: this.#frames.slice(), infos };
  }

  override async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    const { obs, finalObs, ...result } = await this.env.step(actions);
    const isEnd = (i: number): boolean => result.terminated[i] === 1 || result.truncated[i] === 1;
    for (let i = 0; i < this.numEnvs; i++) {
      if (this.#ended[i] === 1) {
        this.#begin(i, obs);
        continue;
      }
      const last = finalObs !== undefined && isEnd(i) ? finalObs : obs;
      pushFrame(this.#frames, this.#from(i), this.#row(last, i), this.#count);
      if (this.autoresetMode === 'next-step' && isEnd(i)) this.#ended[i] = 1;
    }
    if (finalObs === undefined) return { ...result, obs: this.#frames.slice() };
    const final = this.#frames.slice();
    for (let i = 0; i < this.numEnvs; i++) if (isEnd(i)) this.#begin(i, obs);
    return { ...result, obs: this.#frames.slice(), finalObs: final };
  }

  protected override ownState(): Float64Array {
    return Float64Array.from([...this.#ended, ...this.#frames]);
  }

  protected override restoreOwn(numbers: Float64Array): void {
    this.#ended.set(numbers.subarray(0, this.numEnvs));
    this.#frames.set(numbers.subarray(this.numEnvs));
  }

  #begin(i: number, obs: VecObs): void {
    this.#ended[i] = 0;
    beginStack(this.#frames, this.#from(i), this.#row(obs, i), this.#count, this.#options);
  }

  #from(i: number): number {
    return i * this.#count * this.#size;
  }

  #row(obs: VecObs, i: number): Float32Array {
    return (obs as Float32Array).subarray(i * this.#size, (i + 1) * this.#size);
  }
}
