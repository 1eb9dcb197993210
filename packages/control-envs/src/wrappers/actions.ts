/** Actions changed on their way in. The caller's array stays as it is: it is what a buffer should hold. */
import { type Action, type BoxSpace, ConfigError, type Env, type EnvStep, type Space } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { box } from '../spaces/spaces.ts';
import { EnvWrapper } from './wrapper.ts';

/** Clips each element into the environment's bounds; the outer action space is unbounded. */
export class ClipAction extends EnvWrapper {
  readonly #inner: BoxSpace;
  readonly #outer: BoxSpace;

  constructor(env: Env) {
    super(env);
    this.#inner = continuous(env, 'ClipAction');
    this.#outer = box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, this.#inner.shape);
  }

  override get actionSpace(): Space {
    return this.#outer;
  }

  override step(action: Action): EnvStep {
    const { low, high } = this.#inner;
    return this.env.step(
      Float32Array.from(action as Float32Array, (a, i) => clamp(a, low[i] as number, high[i] as number)),
    );
  }
}

/** Maps [min, max] linearly onto the environment's bounds. */
export class RescaleAction extends EnvWrapper {
  readonly #inner: BoxSpace;
  readonly #outer: BoxSpace;

  constructor(env: Env, min = -1, max = 1) {
    super(env);
    this.#inner = continuous(env, 'RescaleAction');
    if (!(min < max)) throw new ConfigError({ where: 'RescaleAction', what: 'min is not below max', got: [min, max] });
    this.#outer = box(min, max, this.#inner.shape);
    const unbounded = [...this.#inner.low, ...this.#inner.high].some((bound) => !Number.isFinite(bound));
    if (unbounded) throw new ConfigError({ where: 'RescaleAction', what: 'the environment has unbounded actions' });
  }

  override get actionSpace(): Space {
    return this.#outer;
  }

  override step(action: Action): EnvStep {
    const { low, high } = this.#inner;
    const [min, max] = [this.#outer.low[0] as number, this.#outer.high[0] as number];
    const rescaled = (a: number, i: number): number => {
      const [l, h] = [low[i] as number, high[i] as number];
      return clamp(l + ((h - l) * (a - min)) / (max - min), l, h);
    };
    return this.env.step(Float32Array.from(action as Float32Array, rescaled));
  }
}

export function continuous(env: Pick<Env, 'actionSpace'>, where: string): BoxSpace {
  if (env.actionSpace.kind === 'box') return env.actionSpace;
  throw new ConfigError({ where, what: 'needs continuous actions', got: env.actionSpace.kind, wanted: 'box' });
}
