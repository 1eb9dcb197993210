/** The reward of prompts that are not learnt from. */
import { endOfSchedules, type Params, type Prompt, type Rng } from '@gimbal/tensor-core';
import { decodeCompletions, encodePrompts } from './token-batch.ts';
import type { ResolvedTokenOptions } from './token-options.ts';
import { scoreCompletions } from './token-rewards.ts';
import { tokenRollout } from './token-rollout.ts';

/**
 * Samples one completion of each of `evalPrompts`, as in training, and scores them. Weights of rewards that move stand at
 * their end: scored at the step's, the best evaluation would be the one at which a penalty weighed least.
 * @param stream the same for every evaluation, so that two differ by their policies alone
 * @returns `evalReward`, the mean over completions that have one (NaN where none has), without the KL; `evalLength`, mean
 * tokens of a completion; `evalReward_…`, the mean of each named function over those it scored
 * @throws DataError what a reward function that answers wrongly throws
 */
export async function evaluateRewards(
  o: ResolvedTokenOptions & { evalPrompts: readonly Prompt[] },
  params: Params,
  stream: Rng,
): Promise<Record<string, number>> {
  const { policy, codec, evalPrompts, batchSize, maxNewTokens, temperature } = o;
  const means = new Means();
  for (let from = 0; from < evalPrompts.length; from += batchSize) {
    const rows = evalPrompts.slice(from, from + batchSize);
    const { completions } = await tokenRollout(policy, params, encodePrompts(codec, rows), {
      samplesPerPrompt: 1,
      temperature,
      maxNewTokens,
      rng: stream.split(from),
    });
    const { lengths, ended } = completions;
    const texts = decodeCompletions(codec, completions);
    const { rewards, components, scored } = await scoreCompletions(o, endOfSchedules, rows, texts, lengths, ended);
    for (const reward of rewards) if (reward !== null) means.add('evalReward', reward);
    for (const length of lengths) means.add('evalLength', length);
    for (const [name, value] of Object.entries(components))
      means.add(`evalReward_${name.slice('reward_'.length)}`, value, scored[name]);
  }
  return { evalReward: Number.NaN, ...means.values() };
}

class Means {
  readonly #sums = new Map<string, [sum: number, weight: number]>();

  /** A NaN, the mean of nothing, counts for nothing. */
  add(name: string, value: number, weight = 1): void {
    if (Number.isNaN(value)) return;
    const [sum, of] = this.#sums.get(name) ?? [0, 0];
    this.#sums.set(name, [sum + weight * value, of + weight]);
  }

  values(): Record<string, number> {
    return Object.fromEntries(Array.from(this.#sums, ([name, [sum, of]]) => [name, sum / of]));
  }
}
