import {
  type Action,
  type BoxSpace,
  ConfigError,
  type Env,
  type EnvStep,
  type Info,
  type Obs,
  type Space,
} from '@gimbal/tensor-core';
import { box, elementsOf } from '../spaces/spaces.ts';
import { allocate } from '../spaces/value.ts';
import { boxOf } from './scales.ts';
import { EnvWrapper } from './wrapper.ts';

/**
 * The last `count` observations, oldest first, as one box of shape `[count, …]`. A reset fills all places with its
 * observation (`padding: 'reset'`, the default) or the older ones with zeros (`'zero'`).
 */
export class FrameStack extends EnvWrapper {
  readonly #space: BoxSpace;
  readonly #count: number;
  readonly #size: number;
  readonly #padding: 'reset' | 'zero';
  readonly #frames: Float32Array;

  constructor(env: Env, count: number, { padding = 'reset' }: { padding?: 'reset' | 'zero' } = {}) {
    super(env);
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new ConfigError({ where: 'FrameStack', what: 'bad count', got: count, wanted: 'a whole number from 1' });
    }
    const inner = boxOf(env.observationSpace, 'FrameStack');
    this.#count = count;
    this.#size = elementsOf(inner);
    this.#padding = padding;
    const repeat = (xs: Float64Array): number[] => Array.from({ length: count }, () => [...xs]).flat();
    const [low, high] = [repeat(inner.low), repeat(inner.high)];
    if (padding === 'zero') {
      for (let i = 0; i < low.length; i++) {
        low[i] = Math.min(low[i] as number, 0);
        high[i] = Math.max(high[i] as number, 0);
      }
    }
    this.#space = box(low, high, [count, ...inner.shape], inner.dtype);
    this.#frames = allocate(this.#space) as Float32Array;
  }

  override get observationSpace(): Space {
    return this.#space;
  }

  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    const { obs, info } = this.env.reset(o);
    if (this.#padding === 'zero') this.#frames.fill(0);
    else for (let i = 0; i < this.#count; i++) this.#frames.set(obs as Float32Array, i * this.#size);
    this.#frames.set(obs as Float32Array, (this.#count - 1) * this.#size);
    return { obs: this.#frames.slice(), info };
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    this.#frames.copyWithin(0, this.#size);
    this.#frames.set(result.obs as Float32Array, (this.#count - 1) * this.#size);
    return { ...result, obs: this.#frames.slice() };
  }
}
