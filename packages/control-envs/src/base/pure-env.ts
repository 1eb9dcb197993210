/** An environment whose whole state is one small vector of float64: classic control and the tabular tasks. */
import { NumericalError, type Obs } from '@gimbal/tensor-core';
import { BufferedEnv, type EnvDescription } from './buffered-env.ts';

/** Base of a task whose state is one vector: it gives `getState` and an observation, a task adds reset and step. */
export abstract class PureEnv extends BufferedEnv {
  /** The state, in the order the task documents. */
  readonly state: Float64Array;

  constructor(description: EnvDescription, stateSize: number) {
    super(description);
    this.state = new Float64Array(stateSize);
  }

  getState(): Float64Array {
    return this.state.slice();
  }

  /** Sets the vector. @throws NumericalError for numbers that are not finite */
  protected restoreState(state: Float64Array): void {
    const at = state.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) {
      const [where, what] = [`${this.spec.id}: setState`, `number ${at} is not finite`];
      throw new NumericalError({ where, what, got: state[at], wanted: 'finite numbers' });
    }
    this.state.set(state);
  }

  /** By default the observation is the state. */
  protected observe(out: Obs): void {
    (out as Float32Array).set(this.state);
  }
}
