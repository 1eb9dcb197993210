/** A vector environment around another: everything is passed through; a wrapper overrides what it changes. */
import {
  type AutoresetMode,
  DataError,
  type VecInfo,
  type VecObs,
  type VectorEnv,
  type VectorStep,
} from '@gimbal/tensor-core';
import { Wrapper } from '../wrappers/wrapper.ts';

/** What a vector environment's `reset` takes. */
export type VectorReset = NonNullable<Parameters<VectorEnv['reset']>[0]>;

/** begins a state that has a wrapper's own numbers; what is inside begins with its number of copies */
const wrapped = -2;

/**
 * Base of every wrapper of vector environments: passes each call on to `env`. One that remembers something from step to
 * step says so in `ownState` and `restoreOwn`, so that states have it.
 */
export class VectorEnvWrapper extends Wrapper<VectorEnv> implements VectorEnv {
  get numEnvs(): number {
    return this.env.numEnvs;
  }

  get autoresetMode(): AutoresetMode {
    return this.env.autoresetMode;
  }

  reset(o?: VectorReset): Promise<{ obs: VecObs; infos: VecInfo }> {
    return this.env.reset(o);
  }

  step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    return this.env.step(actions);
  }

  get hasState(): boolean {
    return this.env.hasState !== false;
  }

  /** What the wrapper itself remembers from step to step, for `restoreOwn`; empty where it never remembers anything. */
  protected ownState(): Float64Array {
    return new Float64Array();
  }

  /** Whether numbers can be those of `ownState`; by default it always gives as many. */
  protected fits(state: Float64Array): boolean {
    return state.length === this.ownState().length;
  }

  /** Takes back what `ownState` gave. */
  protected restoreOwn(_state: Float64Array): void {}

  /** What the wrapper remembers, and the state of all copies. */
  getState(): Uint8Array {
    const inner = this.env.getState();
    const own = this.ownState();
    if (own.length === 0) return inner;
    const head = new Uint8Array(Float64Array.of(wrapped, own.length, ...own).buffer);
    const all = new Uint8Array(head.length + inner.length);
    all.set(head);
    all.set(inner, head.length);
    return all;
  }

  /** Whether a state has what this wrapper and those inside remember: those of older versions lack it. */
  isWhole(state: Uint8Array): boolean {
    const numbers = numbersOf(state);
    if (this.ownState().length === 0) return this.env.isWhole?.(state) ?? true;
    if (numbers[0] !== wrapped) return false;
    return this.env.isWhole?.(state.slice(8 * (2 + (numbers[1] as number)))) ?? true;
  }

  /** @throws DataError for the state of other wrappers */
  setState(state: Uint8Array): void {
    const numbers = numbersOf(state);
    // older states have what is inside alone
    if (this.ownState().length === 0 || numbers[0] !== wrapped) {
      this.env.setState(state);
      return;
    }
    const end = 2 + (numbers[1] as number);
    const own = numbers.subarray(2, end);
    if (!this.fits(own)) {
      const [where, got] = [`${this.constructor.name}: setState`, own.length];
      throw new DataError({ where, what: 'the state is of other wrappers', got, wanted: this.ownState().length });
    }
    this.env.setState(state.slice(8 * end));
    this.restoreOwn(own);
  }
}

const numbersOf = (state: Uint8Array): Float64Array =>
  new Float64Array(state.slice(0, 8 * Math.floor(state.length / 8)).buffer);
