import {
  type Action,
  ConfigError,
  type Env,
  type EnvSpec,
  type EnvStep,
  type Info,
  type Obs,
} from '@gimbal/tensor-core';
import { EnvWrapper } from './wrapper.ts';

/** Truncates an episode after a number of steps. Environments of this package have one built in (`maxSteps`). */
export class TimeLimit extends EnvWrapper {
  readonly #maxSteps: number;
  #elapsed = 0;
  #hasEnded = false;

  constructor(env: Env, maxSteps: number) {
    super(env);
    if (!Number.isSafeInteger(maxSteps) || maxSteps < 1) {
      throw new ConfigError({ where: 'TimeLimit', what: 'bad limit', got: maxSteps, wanted: 'a whole number from 1' });
    }
    this.#maxSteps = maxSteps;
  }

  override get spec(): EnvSpec {
    return { ...this.env.spec, maxSteps: Math.min(this.#maxSteps, this.env.spec.maxSteps) };
  }

  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    this.#elapsed = 0;
    this.#hasEnded = false;
    return this.env.reset(o);
  }

  override step(action: Action): EnvStep {
    if (this.#hasEnded) {
      const [where, what] = [`${this.spec.id}: step`, 'the episode has ended'];
      throw new ConfigError({ where, what, fix: 'Call reset(), or use a vector environment with autoreset' });
    }
    const result = this.env.step(action);
    this.#elapsed++;
    if (this.#elapsed < this.#maxSteps || result.truncated) return result;
    this.#hasEnded = true;
    return { ...result, truncated: true, info: { ...result.info, truncatedReason: 'time limit' } };
  }

  protected override ownState(): number[] {
    return [this.#elapsed, this.#hasEnded ? 1 : 0];
  }

  protected override restoreOwn([elapsed, hasEnded]: Float64Array): void {
    this.#elapsed = elapsed as number;
    this.#hasEnded = hasEnded === 1;
  }

  /** An episode that had ended goes on from the state; the clock stays. */
  override setState(state: Float64Array): void {
    super.setState(state);
    this.#hasEnded = false;
  }
}
