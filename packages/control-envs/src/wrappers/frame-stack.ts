import type { Action, BoxSpace, Env, EnvStep, Info, Obs, Space } from '@gimbal/tensor-core';
import { allocate } from '../spaces/value.ts';
import { beginStack, type FrameStackOptions, pushFrame, stackedSpace } from './stacked-space.ts';
import { EnvWrapper } from './wrapper.ts';

/**
 * The last `count` observations, oldest first, as one box of shape `[count, …]`. A reset fills all places with its
 * observation (`padding: 'reset'`, the default) or the older ones with zeros (`'zero'`).
 */
export class FrameStack extends EnvWrapper {
  readonly #space: BoxSpace;
  readonly #count: number;
  readonly #options: FrameStackOptions;
  readonly #frames: Float32Array;

  /** @throws ConfigError for a bad count, and for observations that are no Box */
  constructor(env: Env, count: number, options: FrameStackOptions = {}) {
    super(env);
    this.#space = stackedSpace(env.observationSpace, count, options, 'FrameStack');
    this.#count = count;
    this.#options = options;
    this.#frames = allocate(this.#space) as Float32Array;
  }

  override get observationSpace(): Space {
    return this.#space;
  }

  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    const { obs, info } = this.env.reset(o);
    beginStack(this.#frames, 0, obs as Float32Array, this.#count, this.#options);
    return { obs: this.#frames.slice(), info };
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    pushFrame(this.#frames, 0, result.obs as Float32Array, this.#count);
    return { ...result, obs: this.#frames.slice() };
  }

  protected override ownState(): Float64Array {
    return Float64Array.from(this.#frames);
  }

  protected override restoreOwn(frames: Float64Array): void {
    this.#frames.set(frames);
  }
}
