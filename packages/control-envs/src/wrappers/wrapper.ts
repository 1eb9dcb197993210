/** An environment around another: everything is passed through; a wrapper overrides what it changes. */
import type { Action, Env, EnvSpec, EnvStep, Info, Obs, Space } from '@gimbal/tensor-core';

/** What wrappers of one environment and of many copies pass on alike. */
export abstract class Wrapper<E extends Pick<Env, 'spec' | 'observationSpace' | 'actionSpace' | 'close'>> {
  /** The environment inside; of one environment, `unwrapped` finds the innermost. */
  readonly env: E;

  constructor(env: E) {
    this.env = env;
  }

  get spec(): EnvSpec {
    return this.env.spec;
  }

  get observationSpace(): Space {
    return this.env.observationSpace;
  }

  get actionSpace(): Space {
    return this.env.actionSpace;
  }

  close(): void {
    this.env.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Base of every wrapper: passes each call on to `env`. */
export class EnvWrapper extends Wrapper<Env> implements Env {
  reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    return this.env.reset(o);
  }

  step(action: Action): EnvStep {
    return this.env.step(action);
  }

  /** The environment's own state; what a wrapper keeps (clocks, statistics, frames) is not part of it. */
  getState(kind?: 'full' | 'integration'): Float64Array {
    if (this.env.getState === undefined) throw new TypeError(`${this.spec.id}: has no getState`);
    return this.env.getState(kind);
  }

  setState(state: Float64Array): void {
    if (this.env.setState === undefined) throw new TypeError(`${this.spec.id}: has no setState`);
    this.env.setState(state);
  }

  render(o?: { width: number; height: number }): Uint8Array {
    if (this.env.render === undefined) throw new TypeError(`${this.spec.id}: cannot render`);
    return this.env.render(o);
  }
}

/** The innermost environment. */
export function unwrapped(env: Env): Env {
  return env instanceof EnvWrapper ? unwrapped(env.env) : env;
}
