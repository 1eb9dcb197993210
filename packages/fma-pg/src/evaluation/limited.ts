// An environment whose episodes end at a number of steps: without one a policy that has learnt to go nowhere plays for ever.
import type { Action, Env, EnvStep } from '@gimbal/tensor-core';

/** Truncates episodes that its environment has not ended by then; takes it over, to be closed. */
export class Limited implements Env {
  readonly spec: Env['spec'];
  readonly observationSpace: Env['observationSpace'];
  readonly actionSpace: Env['actionSpace'];
  readonly #env: Env;
  readonly #maxSteps: number;
  #steps = 0;

  constructor(env: Env, maxSteps: number) {
    this.#env = env;
    this.#maxSteps = maxSteps;
    this.spec = env.spec;
    this.observationSpace = env.observationSpace;
    this.actionSpace = env.actionSpace;
  }

  reset(o?: { seed?: number; options?: object }): ReturnType<Env['reset']> {
    this.#steps = 0;
    return o === undefined ? this.#env.reset() : this.#env.reset(o);
  }

  step(action: Action): EnvStep {
    const result = this.#env.step(action);
    this.#steps++;
    // what is no result is told of by whoever steps this
    if (this.#steps < this.#maxSteps || result?.terminated !== false || result.truncated !== false) return result;
    return { ...result, truncated: true };
  }

  close(): void {
    this.#env.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
