// Best-of-N: sample N answers, keep the one that the reward likes best; and reranking of answers that are there already.
import {
  ConfigError,
  checkedRewards,
  DataError,
  type Params,
  type RewardFn,
  rng,
  StoppedError,
  type TextCodec,
  type TokenPolicy,
} from '@gimbal/tensor-core';
import { bonKl, checkCount } from './bon-kl.ts';

/** The answer that was kept. */
export interface BonPick {
  /** As it was asked. */
  readonly prompt: string;
  /** The answer with the highest reward; of equals the first. */
  readonly completion: string;
  /** Its place among the answers. */
  readonly index: number;
  /** Its reward. */
  readonly reward: number;
  /** All N answers. */
  readonly completions: readonly string[];
  /** Their rewards; null where the function abstained. */
  readonly rewards: readonly (number | null)[];
  /** log N − (N − 1)/N: the most that picking moves from the policy, in nats. */
  readonly klBound: number;
}

/** How answers are sampled and picked. */
export interface BestOfNOptions {
  /** Turns prompts into the policy's tokens and its tokens into texts: a tokenizer. */
  codec: TextCodec;
  /** N ≥ 1: answers of each prompt. */
  n: number;
  /** Of the sampling, > 0 (1). */
  temperature?: number;
  /** Most tokens of an answer. */
  maxNewTokens: number;
  /** Of the sampling: each prompt has a stream of its own, so a prompt's answers do not depend on the others. */
  seed: number;
  /** Stops between two prompts. */
  signal?: AbortSignal;
}

/**
 * Yields the best of N sampled answers for each prompt, in their order.
 * @param params of the policy; neither kept nor changed
 * @throws ConfigError for n < 1 or a temperature that is not > 0, DataError where the reward gives no numbers or abstains on
 * all answers of a prompt, StoppedError when the signal asks for it
 * @example
 * for await (const pick of bestOfN(model, params, reward, prompts, { codec: tokenizer, n: 16, maxNewTokens: 64, seed: 0 }))
 *   console.log(pick.completion);
 */
export async function* bestOfN(
  policy: TokenPolicy,
  params: Params,
  reward: RewardFn,
  prompts: readonly string[],
  { codec, n, temperature = 1, maxNewTokens, seed, signal }: BestOfNOptions,
): AsyncGenerator<BonPick> {
  checkCount('bestOfN.n', n);
  checkCount('bestOfN.maxNewTokens', maxNewTokens);
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    const fix = 'Greedy answers are all the same';
    const wanted = 'a number > 0';
    throw new ConfigError({ where: 'bestOfN.temperature', what: 'out of range', got: temperature, wanted, fix });
  }
  for (const [i, prompt] of prompts.entries()) {
    if (signal?.aborted) {
      throw new StoppedError({ where: 'bestOfN', what: `stopped after ${i} of ${prompts.length} prompts` });
    }
    const sampled = await policy.sample(params, codec.encode(Array<string>(n).fill(prompt)), {
      temperature,
      maxNewTokens,
      rng: rng(seed).split('best-of-n').split(i),
      ...(signal && { signal }),
    });
    const [pick] = await rerank(reward, [prompt], [codec.decode(sampled)]);
    yield pick as BonPick;
  }
}

/**
 * Picks the best answer of each prompt.
 * @param completions at least one for each prompt; prompts may have different numbers
 * @throws DataError for a prompt without answers, or where the reward gives no numbers or abstains on all of them
 */
export async function rerank(
  reward: RewardFn,
  prompts: readonly string[],
  completions: readonly (readonly string[])[],
): Promise<BonPick[]> {
  if (completions.length !== prompts.length) {
    const what = 'prompts and lists of answers differ in number';
    throw new DataError({ where: 'rerank', what, got: completions.length, wanted: prompts.length });
  }
  const empty = completions.findIndex((list) => list.length === 0);
  if (empty >= 0) {
    throw new DataError({ where: `rerank, prompt ${empty}`, what: 'it has no answers', wanted: 'at least one' });
  }
  const repeated = prompts.flatMap((prompt, i) => Array<string>(completions[i]?.length ?? 0).fill(prompt));
  const scores = await checkedRewards('rerank', reward, repeated, completions.flat());
  let from = 0;
  return prompts.map((prompt, i) => {
    const list = completions[i] as readonly string[];
    const rewards = scores.slice(from, from + list.length);
    from += list.length;
    let index = -1;
    rewards.forEach((r, k) => {
      if (r !== null && (index < 0 || r > (rewards[index] as number))) index = k;
    });
    if (index < 0) throw new DataError({ where: `rerank, prompt ${i}`, what: 'the reward abstains on all answers' });
    return {
      prompt,
      completion: list[index] as string,
      index,
      reward: rewards[index] as number,
      completions: list,
      rewards,
      klBound: bonKl(list.length),
    };
  });
}
