/** Completions of prompts, sampled from a policy: what every trainer on tokens begins with. */
import {
  checkCount,
  checkOption,
  type Params,
  type Rng,
  requireOptions,
  type TokenBatch,
  type TokenPolicy,
} from '@gimbal/tensor-core';
import { checkFunction, checkNumbers, checkParts, checkRng } from '../internal/given.ts';
import { checkAnswer } from './token-batch.ts';

/** How completions are sampled for training. */
export interface RolloutOptions {
  /** completions of each prompt */
  samplesPerPrompt: number;
  /** > 0 */
  temperature: number;
  /** most tokens of a completion, ≥ 1 */
  maxNewTokens: number;
  /** where the draws come from; it moves on */
  rng: Rng;
  /** stops between two tokens, with a StoppedError */
  signal?: AbortSignal;
}

/** Prompts and their sampled completions, in plain arrays: B = prompts · `samplesPerPrompt` rows of width T. */
export interface TokenRollout {
  /** each prompt, `samplesPerPrompt` times in a row */
  prompts: TokenBatch;
  /** one for each row of `prompts`, right-padded `[B·T]` */
  completions: TokenBatch;
  /** 1 = token of the completion, its end included `[B·T]` */
  mask: Float32Array;
  /** number of the prompt that each completion answers `[B]` */
  groups: Int32Array;
}

/**
 * Samples completions.
 * @param params of the policy; neither kept nor changed
 * @throws ConfigError for a temperature of 0: greedy completions have no gradient; DataError where the policy gives no
 * batch of tokens, or one of another number of rows
 */
export async function tokenRollout(
  policy: TokenPolicy,
  params: Params,
  prompts: TokenBatch,
  o: RolloutOptions,
): Promise<TokenRollout> {
  requireOptions('tokenRollout', o);
  const { samplesPerPrompt: n, temperature, maxNewTokens, rng, signal } = o;
  checkCount('samplesPerPrompt', n);
  checkCount('maxNewTokens', maxNewTokens);
  checkOption(
    'temperature',
    temperature,
    temperature > 0 && Number.isFinite(temperature),
    'a finite number > 0',
    'Greedy completions have no gradient',
  );
  checkRng('tokenRollout, rng', rng);
  checkParts('tokenRollout, policy', policy, 'a TokenPolicy');
  checkFunction('tokenRollout, policy.sample', policy.sample, 'a function');
  checkTokenBatch('tokenRollout, prompts', prompts);
  const repeated = repeatRows(prompts, n);
  const completions: TokenBatch = await policy.sample(params, repeated, {
    temperature,
    maxNewTokens,
    rng,
    ...(signal && { signal }),
  });
  const B = repeated.lengths.length;
  checkAnswer('policy.sample', completions, B);
  const { width } = completions;
  const mask = new Float32Array(B * width);
  for (const [b, length] of completions.lengths.entries()) mask.fill(1, b * width, b * width + length);
  return { prompts: repeated, completions, mask, groups: Int32Array.from({ length: B }, (_, b) => Math.floor(b / n)) };
}

function repeatRows({ ids, width, lengths }: TokenBatch, n: number): TokenBatch {
  const out = new Int32Array(ids.length * n);
  for (let b = 0; b < lengths.length * n; b++) {
    const from = Math.floor(b / n) * width;
    out.set(ids.subarray(from, from + width), b * width);
  }
  return {
    ids: out,
    width,
    lengths: Int32Array.from({ length: lengths.length * n }, (_, b) => lengths[Math.floor(b / n)] as number),
  };
}

/** @throws DataError for what is no batch of tokens */
export function checkTokenBatch(where: string, batch: TokenBatch): void {
  checkParts(where, batch, '{ ids, width, lengths }');
  checkNumbers(`${where}, ids`, batch.ids);
  checkNumbers(`${where}, lengths`, batch.lengths);
}

/**
 * Some rows of a batch.
 * @throws DataError for what is none
 */
export function selectRows(batch: TokenBatch, from: number, to: number): TokenBatch {
  checkTokenBatch('selectRows', batch);
  const { ids, width, lengths, ended } = batch;
  return {
    ids: ids.slice(from * width, to * width),
    width,
    lengths: lengths.slice(from, to),
    ...(ended && { ended: ended.slice(from, to) }),
  };
}
