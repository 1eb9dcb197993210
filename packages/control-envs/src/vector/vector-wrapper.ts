/** A vector environment around another: everything is passed through; a wrapper overrides what it changes. */
import type { AutoresetMode, VecInfo, VecObs, VectorEnv, VectorStep } from '@gimbal/tensor-core';
import { Wrapper } from '../wrappers/wrapper.ts';

/** What a vector environment's `reset` takes. */
export type VectorReset = NonNullable<Parameters<VectorEnv['reset']>[0]>;

/** Base of every wrapper of vector environments: passes each call on to `env`. */
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

  /** The environments' own state; what a wrapper keeps (statistics) is not part of it. */
  getState(): Uint8Array {
    return this.env.getState();
  }

  setState(state: Uint8Array): void {
    this.env.setState(state);
  }
}
