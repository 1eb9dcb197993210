/** Observations of mean 0 and spread 1, rewards of returns with spread 1; the statistics can be frozen and saved. */
import {
  type Action,
  type BoxSpace,
  ConfigError,
  type Env,
  type EnvStep,
  type Info,
  type Obs,
  type Space,
} from '@gimbal/tensor-core';
import { box, elementsOf } from '../spaces/spaces.ts';
import { type MomentsState, RunningMoments } from './running-moments.ts';
import { EnvWrapper } from './wrapper.ts';

/** How both normalising wrappers divide, clip and learn. */
export interface NormalizeOptions {
  /** added to the variance; default 1e-8 */
  epsilon?: number;
  /** bound of the result; default 10 */
  clip?: number;
  /** false freezes the statistics, for evaluation; default true */
  update?: boolean;
}

/** Normalises observations by the running mean and variance of all that were seen. */
export class NormalizeObservation extends EnvWrapper {
  /** Of each element of the observation. */
  readonly moments: RunningMoments;
  /** False freezes the statistics, for evaluation. */
  update: boolean;
  readonly #space: BoxSpace;
  readonly #epsilon: number;
  readonly #clip: number;

  constructor(env: Env, { epsilon = 1e-8, clip = 10, update = true }: NormalizeOptions = {}) {
    super(env);
    const inner = boxOf(env.observationSpace, 'NormalizeObservation');
    this.moments = new RunningMoments(elementsOf(inner));
    this.update = update;
    this.#space = box(-clip, clip, inner.shape, inner.dtype === 'float64' ? 'float64' : 'float32');
    this.#epsilon = epsilon;
    this.#clip = clip;
  }

  override get observationSpace(): Space {
    return this.#space;
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

  /** Continues from what `state` returned. */
  load(state: MomentsState): void {
    this.moments.load(state);
  }

  #normalized(obs: Obs): Obs {
    const raw = obs as Float32Array;
    if (this.update) this.moments.update(raw);
    const out = this.#space.dtype === 'float64' ? new Float64Array(raw.length) : new Float32Array(raw.length);
    this.moments.normalize(raw, out, this.#epsilon, this.#clip);
    return out;
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
  readonly moments = new RunningMoments(1);
  /** False freezes the statistics, for evaluation. */
  update: boolean;
  readonly #gamma: number;
  readonly #epsilon: number;
  readonly #clip: number;
  readonly #one = new Float64Array(1);
  #discounted = 0;

  constructor(env: Env, options: NormalizeOptions & { gamma?: number } = {}) {
    super(env);
    const { gamma = 0.99, epsilon = 1e-8, clip = 10, update = true } = options;
    if (!(gamma >= 0 && gamma <= 1)) {
      throw new ConfigError({ where: 'NormalizeReward', what: 'bad gamma', got: gamma, wanted: '0 to 1' });
    }
    this.update = update;
    this.#gamma = gamma;
    this.#epsilon = epsilon;
    this.#clip = clip;
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    if (this.update) {
      this.#discounted = this.#discounted * this.#gamma + result.reward;
      this.#one[0] = this.#discounted;
      this.moments.update(this.#one);
      if (result.terminated || result.truncated) this.#discounted = 0;
    }
    const scaled = result.reward / Math.sqrt(this.moments.variance(0) + this.#epsilon);
    return { ...result, reward: Math.min(Math.max(scaled, -this.#clip), this.#clip) };
  }

  /** The statistics, as plain JSON; `load` continues from them. */
  state(): RewardMomentsState {
    return { moments: this.moments.state(), discounted: this.#discounted };
  }

  /** Continues from what `state` returned. */
  load({ moments, discounted }: RewardMomentsState): void {
    this.moments.load(moments);
    this.#discounted = discounted;
  }
}

export function boxOf(space: Space, where: string): BoxSpace {
  if (space.kind === 'box') return space;
  const fix = 'FlattenObservation makes a vector of any space';
  throw new ConfigError({ where, what: 'needs a Box', got: space.kind, fix });
}
