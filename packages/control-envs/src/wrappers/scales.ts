/** How observations and rewards are normalised, for one environment and for many copies alike. */
import { type BoxSpace, ConfigError, type Obs, type Space } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { box, elementsOf } from '../spaces/spaces.ts';
import { RunningMoments } from './running-moments.ts';

/** How the normalising wrappers divide, clip and learn. */
export interface NormalizeOptions {
  /** added to the variance; default 1e-8 */
  epsilon?: number;
  /** bound of the result; default 10 */
  clip?: number;
  /** false freezes the statistics, for evaluation; default true */
  update?: boolean;
}

/** Observations less their mean, by their standard deviation, within ±clip. */
export class ObservationScale {
  /** of each element of one observation */
  readonly moments: RunningMoments;
  /** of the results */
  readonly space: BoxSpace;
  readonly #epsilon: number;
  readonly #clip: number;

  /** @throws ConfigError for a space that is no Box */
  constructor(space: Space, where: string, { epsilon = 1e-8, clip = 10 }: NormalizeOptions) {
    const inner = boxOf(space, where);
    checkPositive(where, { epsilon, clip });
    this.moments = new RunningMoments(elementsOf(inner));
    this.space = box(-clip, clip, inner.shape, inner.dtype === 'float64' ? 'float64' : 'float32');
    this.#epsilon = epsilon;
    this.#clip = clip;
  }

  /** Normalises one observation, or several behind one another, into a new array. */
  normalized(obs: Obs): Float32Array | Float64Array {
    const raw = obs as Float32Array;
    const out = this.space.dtype === 'float64' ? new Float64Array(raw.length) : new Float32Array(raw.length);
    this.moments.normalize(raw, out, this.#epsilon, this.#clip);
    return out;
  }
}

/** Rewards by the standard deviation of discounted returns, within ±clip. */
export class RewardScale {
  /** of the discounted returns of all copies */
  readonly moments = new RunningMoments(1);
  /** returns of the episodes under way `[copies]` */
  readonly discounted: Float64Array;
  readonly #gamma: number;
  readonly #epsilon: number;
  readonly #clip: number;

  /** @throws ConfigError for a gamma outside 0 … 1 */
  constructor(copies: number, where: string, options: NormalizeOptions & { gamma?: number }) {
    const { gamma = 0.99, epsilon = 1e-8, clip = 10 } = options;
    if (!(gamma >= 0 && gamma <= 1)) {
      throw new ConfigError({ where, what: 'bad gamma', got: gamma, wanted: '0 to 1' });
    }
    checkPositive(where, { epsilon, clip });
    this.discounted = new Float64Array(copies);
    this.#gamma = gamma;
    this.#epsilon = epsilon;
    this.#clip = clip;
  }

  /** Adds a copy's reward to its return; `moments` take the returns in when all copies have theirs. */
  add(copy: number, reward: number): void {
    this.discounted[copy] = (this.discounted[copy] as number) * this.#gamma + reward;
  }

  /** What a reward is divided by. */
  get spread(): number {
    return Math.sqrt(this.moments.variance(0) + this.#epsilon);
  }

  /** A reward by `spread`. */
  scaled(reward: number, spread: number): number {
    return clamp(reward / spread, -this.#clip, this.#clip);
  }
}

/** A clip may be infinite. */
function checkPositive(where: string, options: { epsilon: number; clip: number }): void {
  for (const [name, got] of Object.entries(options)) {
    if (got > 0 && (name === 'clip' || Number.isFinite(got))) continue;
    throw new ConfigError({ where, what: `bad ${name}`, got, wanted: 'a number above 0' });
  }
}

/** @throws ConfigError for another kind of space */
export function boxOf(space: Space, where: string): BoxSpace {
  if (space.kind === 'box') return space;
  const fix = 'FlattenObservation makes a vector of any space';
  throw new ConfigError({ where, what: 'needs a Box', got: space.kind, fix });
}
