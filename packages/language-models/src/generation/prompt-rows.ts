// Prompts as rows of tokens, as generation takes them.
import { DataError } from '@gimbal/tensor-core';
import { joinIds } from '../data/join-ids.ts';
import { frameTokens } from '../encoder/encode-texts.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export interface PromptRowsOptions {
  eosIds?: readonly number[];
  promptSuffix?: boolean;
  rendered?: boolean;
  /** What the policy wants: the special tokens of a whole text around each prompt. */
  whole?: boolean;
}

/**
 * Most tokens to write where nothing says it: 64, or as many as the context has room for beside the longest prompt. Without room
 * for any it is 64 all the same, which the policy refuses by both numbers.
 */
export function defaultNewTokens(
  policy: { readonly readsWholePrompts?: boolean; readonly config?: { readonly contextLength?: number } },
  rows: readonly { readonly length: number }[],
): number {
  const { readsWholePrompts = false, config: { contextLength = Number.POSITIVE_INFINITY } = {} } = policy;
  if (readsWholePrompts) return 64; // the completion has a row of its own
  const room = contextLength - rows.reduce((most, { length }) => Math.max(most, length), 0);
  return room < 1 ? 64 : Math.min(64, room);
}

/**
 * @throws DataError for a prompt without a token, if the tokenizer has none that begins a text
 */
export function promptRows(
  tokenizer: Tokenizer,
  prompts: readonly string[],
  o: PromptRowsOptions,
): { rows: Int32Array[]; eosIds: readonly number[]; padId: number } {
  const { promptSuffix = true, rendered = false, whole = false } = o;
  const { eos, pad } = tokenizer.special;
  const rows = prompts.map((prompt, i) => {
    const text = tokenizer.encodeText(prompt + (promptSuffix && !rendered ? tokenizer.promptSuffix : ''));
    if (whole) return frameTokens(tokenizer, text).ids;
    const ids = rendered ? text : joinIds(tokenizer.begin, text);
    if (ids.length > 0) return ids;
    // nothing to predict from but the beginning of a text
    const start = tokenizer.special.bos ?? eos;
    if (start !== undefined) return Int32Array.of(start);
    throw new DataError({ where: `prompt ${i}`, what: 'the prompt is empty', fix: 'Give it some text' });
  });
  return { rows, eosIds: o.eosIds ?? (eos === undefined ? [] : [eos]), padId: pad ?? 0 };
}
