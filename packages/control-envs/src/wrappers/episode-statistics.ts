import type { Action, EnvStep, Info, Obs } from '@gimbal/tensor-core';
import { EnvWrapper } from './wrapper.ts';

/** Sum of rewards and number of steps of one episode. */
export interface EpisodeRecord {
  /** sum of rewards, not discounted */
  return: number;
  /** number of steps */
  length: number;
}

const keep = 100;

/** Puts `info.episode: { return, length }` into the last step of each episode, and keeps the last hundred. */
export class EpisodeStatistics extends EnvWrapper {
  /** The last hundred episodes, oldest first. */
  readonly episodes: EpisodeRecord[] = [];
  #now: EpisodeRecord = { return: 0, length: 0 };

  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    this.#now = { return: 0, length: 0 };
    return this.env.reset(o);
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    this.#now.return += result.reward;
    this.#now.length++;
    if (!result.terminated && !result.truncated) return result;
    const episode = { ...this.#now };
    if (this.episodes.push(episode) > keep) this.episodes.shift();
    return { ...result, info: { ...result.info, episode } };
  }

  protected override ownState(): Float64Array {
    const numbers = new Float64Array(3 + 2 * keep);
    numbers.set([this.#now.return, this.#now.length, ...episodeNumbers(this.episodes)]);
    return numbers;
  }

  protected override restoreOwn(numbers: Float64Array): void {
    this.#now = { return: numbers[0] as number, length: numbers[1] as number };
    this.episodes.splice(0, this.episodes.length, ...episodesOf(numbers.subarray(2)));
  }
}

/** Kept episodes: their number, then return and length of each. */
export const episodeNumbers = (episodes: readonly EpisodeRecord[]): number[] => [
  episodes.length,
  ...episodes.flatMap((episode) => [episode.return, episode.length]),
];

/** What `episodeNumbers` wrote down. */
export const episodesOf = (numbers: Float64Array): EpisodeRecord[] =>
  Array.from({ length: numbers[0] as number }, (_, i) => {
    return { return: numbers[1 + 2 * i] as number, length: numbers[2 + 2 * i] as number };
  });
