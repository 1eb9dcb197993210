/** Observations of mean 0 and spread 1, rewards of returns with spread 1; the statistics can be frozen and saved. */
import { type Action, DataError, type Env, type EnvStep, type Info, type Obs, type Space } from '@gimbal/tensor-core';
import type { MomentsState, RunningMoments } from './running-moments.ts';
import { type NormalizeOptions, ObservationScale, RewardScale } from './scales.ts';
import { EnvWrapper } from './wrapper.ts';

/** Normalises observations by the running mean and variance of all that were seen. */
export class NormalizeObservation extends EnvWrapper {
  /** Of each element of the observation. */
  readonly moments: RunningMoments;
  /** False freezes the statistics, for evaluation. */
  update: boolean;
  readonly #scale: ObservationScale;

  /** @throws ConfigError for observations that are no Box */
  constructor(env: Env, options: NormalizeOptions = {}) {
    super(env);
    this.#scale = new ObservationScale(env.observationSpace, 'NormalizeObservation', options);
    this.moments = this.#scale.moments;
    this.update = options.update ?? true;
  }

  override get observationSpace(): Space {
    return this.#scale.space;
  }

  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    const { obs, info } = this.env.reset(o);
    return { obs: this.#normalized(obs), info };
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    return { ...result, obs: this.#normalized(result.obs) };
  }

  /** The statistics, as plain JSON; `load` continues from them. */
  state(): MomentsState {
    return this.moments.state();
  }

  /** Continues from what `state` returned. @throws DataError if it is of another size */
  load(state: MomentsState): void {
    this.moments.load(state);
  }

  protected override ownState(): number[] {
    return this.moments.numbers();
  }

  protected override restoreOwn(numbers: Float64Array): void {
    this.moments.loadNumbers(numbers);
  }

  #normalized(obs: Obs): Obs {
    if (this.update) this.moments.update(obs as Float32Array);
    return this.#scale.normalized(obs);
  }
}

/** What `NormalizeReward.state` holds. */
export interface RewardMomentsState {
  /** of the discounted return */
  moments: MomentsState;
  /** the return of the episode under way */
  discounted: number;
}

/** Divides rewards by the standard deviation of the running discounted return; the sign stays. */
export class NormalizeReward extends EnvWrapper {
  /** Of the discounted return. */
  readonly moments: RunningMoments;
  /** False freezes the statistics, for evaluation. */
  update: boolean;
  readonly #scale: RewardScale;

  /** @throws ConfigError for a gamma outside 0 … 1 */
  constructor(env: Env, options: NormalizeOptions & { gamma?: number } = {}) {
    super(env);
    this.#scale = new RewardScale(1, 'NormalizeReward', options);
    this.moments = this.#scale.moments;
    this.update = options.update ?? true;
  }

  /** A new episode is a new return, also where the last one was left before its end. */
  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    const result = this.env.reset(o);
    this.#scale.discounted[0] = 0;
    return result;
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    const scale = this.#scale;
    if (this.update) {
      scale.add(0, result.reward);
      this.moments.update(scale.discounted);
      if (result.terminated || result.truncated) scale.discounted[0] = 0;
    }
    return { ...result, reward: scale.scaled(result.reward, scale.spread) };
  }

  /** The statistics, as plain JSON; `load` continues from them. */
  state(): RewardMomentsState {
    return { moments: this.moments.state(), discounted: this.#scale.discounted[0] as number };
  }

  /** Continues from what `state` returned. @throws DataError if it is of another size */
  load(state: RewardMomentsState): void {
    const { moments, discounted } = state ?? {};
    if (!Number.isFinite(discounted)) {
      const where = 'NormalizeReward.load';
      throw new DataError({ where, what: 'not saved statistics', got: state, wanted: '{ moments, discounted }' });
    }
    this.moments.load(moments);
    this.#scale.discounted[0] = discounted;
  }

  protected override ownState(): number[] {
    return [this.#scale.discounted[0] as number, ...this.moments.numbers()];
  }

  protected override restoreOwn(numbers: Float64Array): void {
    this.#scale.discounted[0] = numbers[0] as number;
    this.moments.loadNumbers(numbers.subarray(1));
  }
}
