/** The wrappers for many copies at once: statistics are of all copies together. Results are new arrays. */
import {
  ShapeError,
  type Space,
  type VecInfo,
  type VecObs,
  type VectorEnv,
  type VectorStep,
} from '@gimbal/tensor-core';
import { type ActionMap, clipping, mapped, rescaling } from '../wrappers/actions.ts';
import { type EpisodeRecord, episodeNumbers, episodesOf } from '../wrappers/episode-statistics.ts';
import type { MomentsState, RunningMoments } from '../wrappers/running-moments.ts';
import { type NormalizeOptions, ObservationScale, RewardScale } from '../wrappers/scales.ts';
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

  protected override ownState(): Float64Array {
    return Float64Array.from([this.count, ...this.#returns, ...this.#lengths, ...episodeNumbers(this.episodes)]);
  }

  /** As many episodes as there were. */
  protected override fits(numbers: Float64Array): boolean {
    const at = 1 + 2 * this.numEnvs;
    return numbers.length === at + 1 + 2 * (numbers[at] as number);
  }

  protected override restoreOwn(numbers: Float64Array): void {
    const N = this.numEnvs;
    this.count = numbers[0] as number;
    this.#returns.set(numbers.subarray(1, 1 + N));
    this.#lengths.set(numbers.subarray(1 + N, 1 + 2 * N));
    this.episodes.splice(0, this.episodes.length, ...episodesOf(numbers.subarray(1 + 2 * N)));
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
  readonly #scale: ObservationScale;

  /** @throws ConfigError for observations that are no Box */
  constructor(env: VectorEnv, options: NormalizeOptions = {}) {
    super(env);
    this.#scale = new ObservationScale(env.observationSpace, 'VectorNormalizeObservation', options);
    this.moments = this.#scale.moments;
    this.update = options.update ?? true;
  }

  override get observationSpace(): Space {
    return this.#scale.space;
  }

  override async reset(o?: VectorReset): Promise<{ obs: VecObs; infos: VecInfo }> {
    const { obs, infos } = await this.env.reset(o);
    if (this.update) this.moments.update(this.#rows(obs as Float32Array, o?.mask));
    return { obs: this.#scale.normalized(obs), infos };
  }

  override async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    const { obs, finalObs, ...result } = await this.env.step(actions);
    if (this.update) this.moments.update(obs as Float32Array);
    return {
      ...result,
      obs: this.#scale.normalized(obs),
      ...(finalObs !== undefined && { finalObs: this.#scale.normalized(finalObs) }),
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

  protected override ownState(): Float64Array {
    return Float64Array.from(this.moments.numbers());
  }

  protected override restoreOwn(numbers: Float64Array): void {
    this.moments.loadNumbers(numbers);
  }

  /** The rows that a masked reset began anew: the others were counted when they were new. */
  #rows(obs: Float32Array, mask: Uint8Array | undefined): ArrayLike<number> {
    if (mask === undefined) return obs;
    const { size } = this.moments;
    return obs.filter((_, i) => mask[Math.floor(i / size)] === 1);
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
  readonly moments: RunningMoments;
  /** False freezes the statistics, for evaluation. */
  update: boolean;
  readonly #scale: RewardScale;

  /** @throws ConfigError for a gamma outside 0 … 1 */
  constructor(env: VectorEnv, options: NormalizeOptions & { gamma?: number } = {}) {
    super(env);
    this.#scale = new RewardScale(env.numEnvs, 'VectorNormalizeReward', options);
    this.moments = this.#scale.moments;
    this.update = options.update ?? true;
  }

  override async reset(o?: VectorReset): Promise<{ obs: VecObs; infos: VecInfo }> {
    const result = await this.env.reset(o);
    const { discounted } = this.#scale;
    for (let i = 0; i < this.numEnvs; i++) if (o?.mask === undefined || o.mask[i] === 1) discounted[i] = 0;
    return result;
  }

  override async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    const result = await this.env.step(actions);
    const { reward, terminated, truncated } = result;
    const scale = this.#scale;
    if (this.update) {
      for (let i = 0; i < this.numEnvs; i++) scale.add(i, reward[i] as number);
      this.moments.update(scale.discounted);
      for (let i = 0; i < this.numEnvs; i++) if (terminated[i] || truncated[i]) scale.discounted[i] = 0;
    }
    const { spread } = scale;
    return { ...result, reward: reward.map((r) => scale.scaled(r, spread)) };
  }

  /** The statistics, as plain JSON; `load` continues from them. */
  state(): VectorRewardMomentsState {
    return { moments: this.moments.state(), discounted: [...this.#scale.discounted] };
  }

  /** Continues from what `state` returned. @throws ShapeError for another number of copies */
  load({ moments, discounted }: VectorRewardMomentsState): void {
    if (discounted.length !== this.numEnvs) {
      const [got, wanted] = [discounted.length, this.numEnvs];
      throw new ShapeError({ where: 'VectorNormalizeReward.load', what: 'other number of copies', got, wanted });
    }
    this.moments.load(moments);
    this.#scale.discounted.set(discounted);
  }

  protected override ownState(): Float64Array {
    return Float64Array.from([...this.#scale.discounted, ...this.moments.numbers()]);
  }

  protected override restoreOwn(numbers: Float64Array): void {
    this.#scale.discounted.set(numbers.subarray(0, this.numEnvs));
    this.moments.loadNumbers(numbers.subarray(this.numEnvs));
  }
}

/** Clips each element into the environments' bounds; the caller's array stays as it is. */
export class VectorClipAction extends VectorEnvWrapper {
  readonly #actions: ActionMap;

  /** @throws ConfigError for actions that are no Box */
  constructor(env: VectorEnv) {
    super(env);
    this.#actions = clipping(env, 'VectorClipAction');
  }

  override get actionSpace(): Space {
    return this.#actions.space;
  }

  override step(actions: Float32Array): Promise<VectorStep> {
    return this.env.step(mapped(actions, this.#actions));
  }
}

/** Maps [min, max] linearly onto the environments' bounds; the caller's array stays as it is. */
export class VectorRescaleAction extends VectorEnvWrapper {
  readonly #actions: ActionMap;

  /** @throws ConfigError for actions that are no Box or unbounded, and if min is not below max */
  constructor(env: VectorEnv, min = -1, max = 1) {
    super(env);
    this.#actions = rescaling(env, 'VectorRescaleAction', min, max);
  }

  override get actionSpace(): Space {
    return this.#actions.space;
  }

  override step(actions: Float32Array): Promise<VectorStep> {
    return this.env.step(mapped(actions, this.#actions));
  }
}
