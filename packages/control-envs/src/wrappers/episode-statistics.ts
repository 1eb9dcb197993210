import type { Action, EnvStep, Info, Obs } from '@gimbal/tensor-core';
import { EnvWrapper } from './wrapper.ts';

/** Sum of rewards and number of steps of one episode. */
export interface EpisodeRecord {
  /** sum of rewards, not discounted */
  return: number;
  /** number of steps */
  length: number;
}

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
    if (this.episodes.push(episode) > 100) this.episodes.shift();
    return { ...result, info: { ...result.info, episode } };
  }
}
