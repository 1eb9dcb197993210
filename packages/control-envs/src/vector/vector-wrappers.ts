/** The wrappers for many copies at once: statistics are of all copies together. Results are new arrays. */
import {
  type BoxSpace,
  ConfigError,
  ShapeError,
  type Space,
  type VecInfo,
  type VecObs,
  type VectorEnv,
  type VectorStep,
} from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { box, elementsOf } from '../spaces/spaces.ts';
import { continuous } from '../wrappers/actions.ts';
import type { EpisodeRecord } from '../wrappers/episode-statistics.ts';
import { boxOf, type NormalizeOptions } from '../wrappers/normalize.ts';
import { type MomentsState, RunningMoments } from '../wrappers/running-moments.ts';
import { VectorEnvWrapper, type VectorReset } from './vector-wrapper.ts';

/** Keeps the last episodes of all copies, and their means. */
export class VectorEpisodeStatistics extends VectorEnvWrapper {
  /** The last `keep` episodes, oldest first. */
  readonly episodes: EpisodeRecord[] = [];
  /** Episodes that ended so far. */
  count = 0;
  readonly #keep: number;
  readonly #returns: Float64Array;
  readonly #lengths: Int32Array;

  /** @param keep how many episodes are kept; default 100 */
  constructor(env: VectorEnv, keep = 100) {
    super(env);
    this.#keep = keep;
    this.#returns = new Float64Array(env.numEnvs);
    this.#lengths = new Int32Array(env.numEnvs);
  }

  /** Mean return and length of the kept episodes; NaN before the first. */
  get mean(): EpisodeRecord {
    const of = (key: keyof EpisodeRecord): number =>
      this.episodes.reduce((sum, episode) => sum + episode[key], 0) / this.episodes.length;
    return { return: of('return'), length: of('length') };
  }

  override async reset(o?: VectorReset): Promise<{ obs: VecObs; infos: VecInfo }> {
    const result = await this.env.reset(o);
    for (let i = 0; i < this.numEnvs; i++) if (o?.mask === undefined || o.mask[i] === 1) this.#begin(i);
    return result;
  }

  override async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    const result = await this.env.step(actions);
    for (let i = 0; i < this.numEnvs; i++) {
      this.#returns[i] = (this.#returns[i] as number) + (result.reward[i] as number);
      this.#lengths[i] = (this.#lengths[i] as number) + 1;
      if (result.terminated[i] === 0 && result.truncated[i] === 0) continue;
      this.count++;
      const episode = { return: this.#returns[i] as number, length: this.#lengths[i] as number };
      if (this.episodes.push(episode) > this.#keep) this.episodes.shift();
      // next-step: the step that resets counts neither way
      this.#begin(i, this.autoresetMode === 'next-step' ? -1 : 0);
    }
    return result;
  }

  #begin(i: number, length = 0): void {
    this.#returns[i] = 0;
    this.#lengths[i] = length;
  }
}

/** Normalises observations by the running mean and variance of all copies; `finalObs` by the same numbers. */
export class VectorNormalizeObservation extends VectorEnvWrapper {
  /** Of each element of the observation. */
  readonly moments: RunningMoments;
  /** False freezes the statistics, for evaluation. */
  update: boolean;
  readonly #space: BoxSpace;
  readonly #epsilon: number;
  readonly #clip: number;

  constructor(env: VectorEnv, { epsilon = 1e-8, clip = 10, update = true }: NormalizeOptions = {}) {
    super(env);
    const inner = boxOf(env.observationSpace, 'VectorNormalizeObservation');
    this.moments = new RunningMoments(elementsOf(inner));
    this.update = update;
    this.#space = box(-clip, clip, inner.shape, inner.dtype === 'float64' ? 'float64' : 'float32');
    this.#epsilon = epsilon;
    this.#clip = clip;
  }

  override get observationSpace(): Space {
    return this.#space;
  }

  override async reset(o?: VectorReset): Promise<{ obs: VecObs; infos: VecInfo }> {
    const { obs, infos } = await this.env.reset(o);
    if (this.update) this.moments.update(this.#rows(obs as Float32Array, o?.mask));
    return { obs: this.#normalized(obs), infos };
  }

  override async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    const { obs, finalObs, ...result } = await this.env.step(actions);
    if (this.update) this.moments.update(obs as Float32Array);
    return {
      ...result,
      obs: this.#normalized(obs),
      ...(finalObs !== undefined && { finalObs: this.#normalized(finalObs) }),
    };
  }

  /** The statistics, as plain JSON; `load` continues from them. */
  state(): MomentsState {
    return this.moments.state();
  }

  /** Continues from what `state` returned. @throws DataError if it is of another size */
  load(state: MomentsState): void {
    this.moments.load(state);
  }

  /** The rows that a masked reset began anew: the others were counted when they were new. */
  #rows(obs: Float32Array, mask: Uint8Array | undefined): ArrayLike<number> {
    if (mask === undefined) return obs;
    const { size } = this.moments;
    return obs.filter((_, i) => mask[Math.floor(i / size)] === 1);
  }

  #normalized(obs: VecObs): VecObs {
    const raw = obs as Float32Array;
    const out = this.#space.dtype === 'float64' ? new Float64Array(raw.length) : new Float32Array(raw.length);
    this.moments.normalize(raw, out, this.#epsilon, this.#clip);
    return out;
  }
}

/** What `VectorNormalizeReward.state` holds. */
export interface VectorRewardMomentsState {
  /** of the discounted returns */
  moments: MomentsState;
  /** the returns of the episodes under way `[numEnvs]` */
  discounted: number[];
}

/** Divides rewards by the standard deviation of the discounted returns of all copies; the sign stays. */
export class VectorNormalizeReward extends VectorEnvWrapper {
  /** Of the discounted returns. */
  readonly moments = new RunningMoments(1);
  /** False freezes the statistics, for evaluation. */
  update: boolean;
  readonly #gamma: number;
  readonly #epsilon: number;
  readonly #clip: number;
  readonly #discounted: Float64Array;

  /** @throws ConfigError for a gamma outside 0 … 1 */
  constructor(env: VectorEnv, options: NormalizeOptions & { gamma?: number } = {}) {
    super(env);
    const { gamma = 0.99, epsilon = 1e-8, clip = 10, update = true } = options;
    if (!(gamma >= 0 && gamma <= 1)) {
      throw new ConfigError({ where: 'VectorNormalizeReward', what: 'bad gamma', got: gamma, wanted: '0 to 1' });
    }
    this.update = update;
    this.#gamma = gamma;
    this.#epsilon = epsilon;
    this.#clip = clip;
    this.#discounted = new Float64Array(env.numEnvs);
  }

  override async reset(o?: VectorReset): Promise<{ obs: VecObs; infos: VecInfo }> {
    const result = await this.env.reset(o);
    for (let i = 0; i < this.numEnvs; i++) if (o?.mask === undefined || o.mask[i] === 1) this.#discounted[i] = 0;
    return result;
  }

  override async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    const result = await this.env.step(actions);
    const { reward, terminated, truncated } = result;
    if (this.update) {
      for (let i = 0; i < this.numEnvs; i++) {
        this.#discounted[i] = (this.#discounted[i] as number) * this.#gamma + (reward[i] as number);
      }
      this.moments.update(this.#discounted);
      for (let i = 0; i < this.numEnvs; i++) if (terminated[i] || truncated[i]) this.#discounted[i] = 0;
    }
    const spread = Math.sqrt(this.moments.variance(0) + this.#epsilon);
    return { ...result, reward: reward.map((r) => clamp(r / spread, -this.#clip, this.#clip)) };
  }

  /** The statistics, as plain JSON; `load` continues from them. */
  state(): VectorRewardMomentsState {
    return { moments: this.moments.state(), discounted: [...this.#discounted] };
  }

  /** Continues from what `state` returned. @throws ShapeError for another number of copies */
  load({ moments, discounted }: VectorRewardMomentsState): void {
    if (discounted.length !== this.numEnvs) {
      const [got, wanted] = [discounted.length, this.numEnvs];
      throw new ShapeError({ where: 'VectorNormalizeReward.load', what: 'other number of copies', got, wanted });
    }
    this.moments.load(moments);
    this.#discounted.set(discounted);
  }
}

/** Clips each element into the environments' bounds; the caller's array stays as it is. */
export class VectorClipAction extends VectorEnvWrapper {
  readonly #inner: BoxSpace;
  readonly #outer: BoxSpace;

  constructor(env: VectorEnv) {
    super(env);
    this.#inner = continuous(env, 'VectorClipAction');
    this.#outer = box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, this.#inner.shape);
  }

  override get actionSpace(): Space {
    return this.#outer;
  }

  override step(actions: Float32Array): Promise<VectorStep> {
    const { low, high } = this.#inner;
    const size = low.length;
    return this.env.step(actions.map((a, i) => clamp(a, low[i % size] as number, high[i % size] as number)));
  }
}

/** Maps [min, max] linearly onto the environments' bounds; the caller's array stays as it is. */
export class VectorRescaleAction extends VectorEnvWrapper {
  readonly #inner: BoxSpace;
  readonly #outer: BoxSpace;

  /** @throws ConfigError if min is not below max, or the environments' actions are unbounded */
  constructor(env: VectorEnv, min = -1, max = 1) {
    super(env);
    const where = 'VectorRescaleAction';
    this.#inner = continuous(env, where);
    if (!(min < max)) throw new ConfigError({ where, what: 'min is not below max', got: [min, max] });
    if ([...this.#inner.low, ...this.#inner.high].some((bound) => !Number.isFinite(bound))) {
      throw new ConfigError({ where, what: 'the environment has unbounded actions' });
    }
    this.#outer = box(min, max, this.#inner.shape);
  }

  override get actionSpace(): Space {
    return this.#outer;
  }

  override step(actions: Float32Array): Promise<VectorStep> {
    const { low, high } = this.#inner;
    const [min, max, size] = [this.#outer.low[0] as number, this.#outer.high[0] as number, low.length];
    const rescaled = (a: number, i: number): number => {
      const [l, h] = [low[i % size] as number, high[i % size] as number];
      return clamp(l + ((h - l) * (a - min)) / (max - min), l, h);
    };
    return this.env.step(actions.map(rescaled));
  }
}
