/** An environment around another: everything is passed through; a wrapper overrides what it changes. */
import {
  type Action,
  type Env,
  type EnvSpec,
  type EnvStep,
  type Info,
  type Obs,
  ShapeError,
  type Space,
} from '@gimbal/tensor-core';
import { restoreTo, snapshotOf } from '../base/saved-env.ts';

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

/**
 * Base of every wrapper: passes each call on to `env`. One that remembers something from step to step says so in
 * `ownState` and `restoreOwn`, so that snapshots have it.
 */
export class EnvWrapper extends Wrapper<Env> implements Env {
  reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    return this.env.reset(o);
  }

  step(action: Action): EnvStep {
    return this.env.step(action);
  }

  /** What the wrapper itself remembers from step to step: always as many numbers, for `restoreOwn`. */
  protected ownState(): readonly number[] | Float64Array {
    return [];
  }

  /** Takes back what `ownState` gave. */
  protected restoreOwn(_state: Float64Array): void {}

  /**
   * All that later steps and resets depend on, of the wrapper and of what is inside.
   * @returns the number of the wrapper's own numbers, these, and those inside; undefined where nothing inside is saved
   */
  snapshot(): Float64Array | undefined {
    const inner = snapshotOf(this.env);
    if (inner === undefined) return undefined;
    const own = this.ownState();
    return Float64Array.from([own.length, ...own, ...inner]);
  }

  /** Goes on from a snapshot of an environment in the same wrappers. @throws ShapeError for one of others */
  restore(snapshot: Float64Array): void {
    const end = 1 + (snapshot[0] as number);
    const size = this.ownState().length;
    if (end - 1 !== size || end > snapshot.length) {
      throw new ShapeError({
        where: `${this.spec.id}: restore`,
        what: 'the snapshot is of other wrappers',
        got: end - 1,
        wanted: `${size} numbers of ${this.constructor.name}`,
      });
    }
    restoreTo(this.env, snapshot.subarray(end));
    this.restoreOwn(snapshot.subarray(1, end));
  }

  /** The environment's own state; what a wrapper keeps (clocks, statistics, frames) is in `snapshot` alone. */
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

/** Whether an environment has a state to save; what is inside of wrappers decides. */
export function hasState(env: Env): boolean {
  const { snapshot, getState, setState } = unwrapped(env);
  return snapshot !== undefined || (getState !== undefined && setState !== undefined);
}

/** The innermost environment. */
export function unwrapped(env: Env): Env {
  return env instanceof EnvWrapper ? unwrapped(env.env) : env;
}
