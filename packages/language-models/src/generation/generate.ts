// Generation from texts to texts, at once or as a stream.
import type { LogitPolicy, Params, Rng } from '@gimbal/tensor-core';
import { DataError } from '@gimbal/tensor-core';
import { padBatch } from '../data/token-batch.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { decodeTokens, type SamplerOptions } from './decode-tokens.ts';
import { TextTail } from './text-tail.ts';

/** How texts go on. */
export interface GenerateOptions extends SamplerOptions {
  /** Most tokens to write (64). */
  maxNewTokens?: number;
  /** A completion ends before the first of these. */
  stopStrings?: readonly string[];
  /** Tokens that end a completion (the tokenizer's end-of-text token). */
  eosIds?: readonly number[];
  /** Whether the tokenizer's suffix follows each prompt, as in fine-tuning (true). False to continue a text. */
  promptSuffix?: boolean;
  /** Whether the prompts are what a chat template wrote, so that nothing is to be added to them (false). */
  rendered?: boolean;
  /** Where the draws come from; not needed at temperature 0. */
  rng: Rng;
  /** Stops it between two tokens, with a StoppedError. */
  signal?: AbortSignal;
}

/** How a completion ended: by an end token, by a stop string, or at the limit. */
export type EndReason = 'eos' | 'stop' | 'length';

/** What was written for one prompt. */
export interface Completion {
  /** Without the end token and what stands from a stop string on. */
  readonly text: string;
  /** All tokens drawn, the end token included. */
  readonly ids: readonly number[];
  /** log p of each token under the model (temperature 1, nothing left out). */
  readonly logProbs: readonly number[];
  /** Why it ends there. */
  readonly end: EndReason;
}

/** What one step adds to one completion. */
export interface CompletionPart {
  /** Which prompt. */
  readonly row: number;
  /** New text; text that may yet turn out to be part of a stop string or of a character is held back. */
  readonly text: string;
  /** The token drawn. */
  readonly id: number;
  /** Its log-probability under the model (temperature 1, nothing left out), in nats. */
  readonly logProb: number;
  /** Set with the last part of a row. */
  readonly end?: EndReason;
}

/**
 * Writes a completion for each prompt.
 * @throws DataError for an empty prompt or one that leaves no room in the context; ConfigError for options;
 * StoppedError when the signal asks for it
 * @example
 * const [{ text }] = await generate(model, params, tokenizer, ['12 + 7 ='], { temperature: 0, rng: rng(0) });
 */
export async function generate(
  policy: LogitPolicy,
  params: Params,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  o: GenerateOptions,
): Promise<Completion[]> {
  const done = prompts.map(() => ({
    text: '',
    ids: [] as number[],
    logProbs: [] as number[],
    end: 'length' as EndReason,
  }));
  for await (const { row, text, id, logProb, end } of generateStream(policy, params, tokenizer, prompts, o)) {
    const completion = done[row] as (typeof done)[number];
    completion.text += text;
    completion.ids.push(id);
    completion.logProbs.push(logProb);
    if (end !== undefined) completion.end = end;
  }
  return done;
}

/**
 * The same, part by part as it is written: for each step one part of every row that goes on. Leaving the loop ends the
 * generation.
 * @throws as `generate`
 */
export async function* generateStream(
  policy: LogitPolicy,
  params: Params,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  o: GenerateOptions,
): AsyncGenerator<CompletionPart, void, undefined> {
  const {
    maxNewTokens = 64,
    stopStrings = [],
    promptSuffix = true,
    rendered = false,
    temperature,
    topK,
    topP,
    rng,
    signal,
  } = o;
  const { eos, pad } = tokenizer.special;
  const eosIds = o.eosIds ?? (eos === undefined ? [] : [eos]);
  const rows = prompts.map((prompt, i) => {
    const text = tokenizer.encodeText(prompt + (promptSuffix && !rendered ? tokenizer.promptSuffix : ''));
    const ids = rendered ? text : Int32Array.of(...tokenizer.begin, ...text);
    if (ids.length > 0) return ids;
    // nothing to predict from but the beginning of a text
    const start = tokenizer.special.bos ?? eos;
    if (start !== undefined) return Int32Array.of(start);
    throw new DataError({ where: `prompt ${i}`, what: 'the prompt is empty', fix: 'Give it some text' });
  });
  const padId = pad ?? 0;
  const tails = rows.map(() => new TextTail(tokenizer, stopStrings));
  const ended = rows.map(() => false);

  const steps = decodeTokens(policy, params, padBatch(rows, padId), {
    maxNewTokens,
    eosIds,
    padId,
    rng,
    logProbs: true,
    stop: (row, id) => (tails[row] as TextTail).add(id),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topK === undefined ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(signal === undefined ? {} : { signal }),
  });
  const isEos = new Set(eosIds);
  let written = 0;
  for await (const step of steps) {
    written++;
    for (const [row, tail] of tails.entries()) {
      if (ended[row]) continue;
      const id = step.ids[row] as number;
      const last = step.ended[row] === 1 || written === maxNewTokens;
      const reason: EndReason = tail.stopped ? 'stop' : isEos.has(id) ? 'eos' : 'length';
      ended[row] = last;
      const text = last ? tail.finish() : tail.take();
      yield { row, text, id, logProb: step.logProbs?.[row] ?? 0, ...(last ? { end: reason } : {}) };
    }
  }
}
