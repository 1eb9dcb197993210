// A reward model as the function that trainers, rerankers and evaluations take.
import { padRows, type Tokenizer } from '@gimbal/language-models';
import {
  checkCount,
  checkedRewards,
  checkName,
  checkOption,
  checkPositive,
  DataError,
  eventTurn,
  type Params,
  type RewardFn,
} from '@gimbal/tensor-core';
import { type AnswerEncoderOptions, answerEncoder, type EncodedRow } from '../data/answer-encoder.ts';
import { tooLong } from '../data/preference-pairs.ts';
import type { RewardModel } from '../models/reward-model.ts';

/** Mean and spread of a reward, from `rewardStats`. */
export interface RewardStats {
  /** Mean. */
  readonly mean: number;
  /** Standard deviation (n − 1), > 0. */
  readonly std: number;
}

/** How texts are scored. */
export interface RewardFnOptions extends AnswerEncoderOptions {
  /** Rows at a time (32). */
  batchSize?: number;
  /** Give (r − mean) / std in place of r. */
  stats?: RewardStats;
  /**
   * A row longer than the model: refused, or left without a score (null), as reinforcement learning wants of what a policy
   * writes ('error'). `onTooLong` is told of each.
   */
  tooLong?: 'error' | 'abstain';
  /** Told the length in tokens of each row that is left without a score, and the most there is room for. */
  onTooLong?(tokens: number, limit: number): void;
}

/**
 * A reward model's scores of texts. Each score is that of its row alone: neither the batch nor its padding moves it by
 * more than rounding.
 * @param params not kept by the function's results, but used until the last call
 * @returns one number a row; where prompt and answer are longer than the model throws DataError, naming the row, or with
 * tooLong 'abstain' gives null
 * @throws ConfigError where model and tokenizer do not fit, or an option is out of range
 */
export function rewardFn(
  model: RewardModel,
  params: Params,
  tokenizer: Tokenizer,
  { batchSize = 32, stats, tooLong: policy = 'error', onTooLong, ...o }: RewardFnOptions = {},
): RewardFn {
  checkCount('rewardFn.batchSize', batchSize);
  if (stats !== undefined) {
    checkPositive('rewardFn.stats.std', stats.std);
    checkOption('rewardFn.stats.mean', stats.mean, Number.isFinite(stats.mean), 'a finite number');
  }
  checkName('rewardFn.tooLong', policy, ['error', 'abstain']);
  const { padId } = model.classifier.config;
  const encoder = answerEncoder(model.classifier.config, tokenizer, o);
  return async (prompts, completions) => {
    checkCounts('reward', prompts, completions);
    const rows: EncodedRow[] = [];
    const places: number[] = [];
    for (const [i, prompt] of prompts.entries()) {
      const row = encoder.encode(prompt, [completions[i] as string]);
      const { length } = row.ids;
      if (length <= encoder.limit) {
        rows.push(row);
        places.push(i);
      } else if (policy === 'error') throw tooLong(`reward, row ${i}`, length, encoder.limit);
      else onTooLong?.(length, encoder.limit);
    }
    const scores = await inBatches(rows, batchSize, async (some) => {
      const scored = model.score(params, padRows(some, padId));
      const values = await scored.data();
      scored.dispose();
      return values;
    });
    const out = prompts.map((): number | null => null);
    for (const [k, i] of places.entries()) {
      const r = scores[k] as number;
      out[i] = stats === undefined ? r : (r - stats.mean) / stats.std;
    }
    return out;
  };
}

/** Runs rows of like length together; results in the order of the rows. */
async function inBatches(
  rows: readonly EncodedRow[],
  batchSize: number,
  run: (rows: readonly EncodedRow[]) => Promise<ArrayLike<number>>,
): Promise<number[]> {
  const out = new Array<number>(rows.length);
  const order = rows.map((_, i) => i).sort((a, b) => (rows[a]?.ids.length ?? 0) - (rows[b]?.ids.length ?? 0));
  for (let at = 0; at < order.length; at += batchSize) {
    await eventTurn();
    const some = order.slice(at, at + batchSize);
    const values = await run(some.map((i) => rows[i] as EncodedRow));
    some.forEach((i, k) => {
      out[i] = values[k] as number;
    });
  }
  return out;
}

/** @throws DataError where the lists differ in length */
export function checkCounts(where: string, prompts: readonly string[], ...lists: readonly (readonly string[])[]): void {
  for (const list of lists) {
    if (list.length === prompts.length) continue;
    const what = 'prompts and answers differ in number';
    throw new DataError({ where, what, got: list.length, wanted: prompts.length });
  }
}

/**
 * Mean and spread of a reward over answers, to standardise it with: rewards of different models have different scales,
 * and an average of weights has one of its own.
 * @throws DataError for fewer than two rewards, rewards that are all equal, are no numbers or are not as many as rows
 */
export async function rewardStats(
  fn: RewardFn,
  rows: readonly { prompt: string; completion: string }[],
): Promise<RewardStats> {
  const scores = await checkedRewards(
    'to be measured',
    fn,
    rows.map((r) => r.prompt),
    rows.map((r) => r.completion),
  );
  const values = scores.filter((r): r is number => r !== null);
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const std = Math.sqrt(values.reduce((a, r) => a + (r - mean) ** 2, 0) / (n - 1));
  if (n >= 2 && std > 0) return { mean, std };
  const what = n < 2 ? 'too few rewards for a spread' : 'all rewards are equal';
  throw new DataError({ where: 'rewardStats', what, got: n < 2 ? n : mean, wanted: 'at least two different ones' });
}
