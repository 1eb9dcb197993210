import type { Action, BoxSpace, Env, EnvStep, Info, Obs, Space } from '@gimbal/tensor-core';
import { flatten, flattenSpace } from '../spaces/flatten.ts';
import { EnvWrapper } from './wrapper.ts';

/** Observations of any space as one float32 vector; a Discrete one becomes one-hot. */
export class FlattenObservation extends EnvWrapper {
  readonly #space: BoxSpace;

  constructor(env: Env) {
    super(env);
    this.#space = flattenSpace(env.observationSpace);
  }

  override get observationSpace(): Space {
    return this.#space;
  }

  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    const { obs, info } = this.env.reset(o);
    return { obs: flatten(this.env.observationSpace, obs), info };
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    return { ...result, obs: flatten(this.env.observationSpace, result.obs) };
  }
}
