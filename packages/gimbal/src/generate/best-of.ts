// The best of N samples by a reward: a saved reward model, a judge of entailment, the newsroom's oracle or a function.
import { ConfigError, type RewardFn } from '@gimbal/tensor-core';
import { checkWithoutAnswers, openSum } from '../rl/reward.ts';

const where = 'gimbal generate --reward';

/** One of the samples. */
export interface Candidate {
  completion: string;
  tokens: number;
  /** log p of the completion under the model */
  logProb: number;
  end: string;
  /** null where the reward abstains */
  reward: number | null;
}

interface BestOfOptions {
  bestOf?: number | undefined;
  reward?: readonly string[] | undefined;
  samples: number;
  beams?: number | undefined;
  temperature?: number | undefined;
}

/**
 * Refuses what does not go together, before anything is opened.
 * @returns whether the best of several is asked for
 * @throws ConfigError
 */
export function checkBestOf(o: BestOfOptions, isChat: boolean): boolean {
  if (o.bestOf === undefined && o.reward === undefined) return false;
  const refuse = (flag: string, what: string, fix: string): ConfigError =>
    new ConfigError({ where: `gimbal generate --${flag}`, what, fix });
  if (o.reward === undefined) throw refuse('best-of', 'nothing says which sample is best', 'Give --reward');
  if (o.bestOf === undefined) throw refuse('reward', 'there is nothing to choose from', 'Give --best-of 16');
  if (isChat) throw refuse('best-of', 'a conversation has one answer at a time', 'Give --prompt or --data');
  if (o.samples > 1) throw refuse('best-of', '--samples says how many too', 'Leave out --samples');
  if ((o.beams ?? 1) > 1) throw refuse('best-of', 'a search draws no samples', 'Leave out --beams');
  if (o.temperature === 0) throw refuse('best-of', 'greedy samples are all the same', 'Give --temperature above 0');
  const fix = 'gimbal eval compares answers with those of your rows';
  checkWithoutAnswers(o.reward, where, { what: 'a prompt has no answer to compare with', fix });
  return true;
}

/** The weighted sum of the rewards that were asked for. */
export const bestOfReward = (texts: readonly string[]): Promise<RewardFn> => openSum(texts, { where });

/**
 * The best of a prompt's samples, of equals the first, with all of them beside it.
 * @throws DataError where the reward abstains on all of them
 */
export async function pickBest<W extends Omit<Candidate, 'reward'> & { prompt: string }>(
  reward: RewardFn,
  samples: readonly W[],
): Promise<W & { reward: number; candidates: Candidate[] }> {
  const { rerank } = await import('@gimbal/reward-models');
  const prompt = (samples[0] as W).prompt;
  const [pick] = await rerank(reward, [prompt], [samples.map(({ completion }) => completion)]);
  if (pick === undefined) throw new Error('rerank gives one pick a prompt');
  const candidates = samples.map(({ prompt: _, ...rest }, i) => ({
    ...rest,
    reward: pick.rewards[i] as number | null,
  }));
  return { ...(samples[pick.index] as W), reward: pick.reward, candidates };
}
