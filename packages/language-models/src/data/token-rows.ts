// Rows as tokens, within the context: what is too long is left out, cut, split or refused, and always counted.
import { ConfigError, DataError, type Overflow } from '@gimbal/tensor-core';
import { checkRoles, requireAnswer } from '../chat/check-turns.ts';
import { encodeChat, refuseUnmarked } from '../chat/encode-chat.ts';
import { renderRows } from '../chat/render-rows.ts';
import { toolsOf } from '../chat/row-tools.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { joinIds } from './join-ids.ts';
import { type Dataset, isKind } from './rows.ts';

/** One row: its tokens, of which those from `from` on are learned. */
export interface TokenRow {
  /** [length] int32, the end token included. */
  readonly ids: Int32Array;
  /** First token that the loss counts; 0 for plain text. */
  readonly from: number;
  /** Of the tokens from there on, those that count: 1, else 0 (all). */
  readonly counts?: Uint8Array;
}

/** What became of rows longer than the limit. */
export interface OverflowReport {
  /** Rows that were too long. */
  readonly rows: number;
  /** Tokens of theirs that are not trained on. */
  readonly tokens: number;
  /** Places of the first ten. */
  readonly where: readonly string[];
}

/** Rows as tokens, and what was too long. */
export interface TokenRows {
  /** Rows that fit, in the order of the data. */
  readonly rows: readonly TokenRow[];
  /** What became of the others. */
  readonly overflow: OverflowReport;
}

/** How rows are brought within a length. */
export interface FitOptions {
  /** Longest row in tokens. */
  limit: number;
  /** What becomes of a longer row (`drop`). */
  overflow?: Overflow;
  /** Which end of a row `cut` keeps (`start`). */
  keep?: 'start' | 'end';
}

/**
 * The tokens of each row: a text, or a prompt with the tokenizer's suffix and a completion, ended by the end-of-text
 * token; or a conversation as its chat template writes it, with the row's `tools`. Prompt and completion are encoded apart, so a prompt has the
 * same tokens in training and in generation.
 * @param o.assistantOnly of conversations, only what the assistant writes counts
 * @throws DataError if the tokenizer has no end-of-text token, for a conversation with a role that is not known or without a
 * turn of the assistant, and as `fitRows`; ConfigError for assistantOnly with rows or
 * a template that do not say what the assistant writes
 */
export function tokenRows(data: Dataset, tokenizer: Tokenizer, o: FitOptions & { assistantOnly?: boolean }): TokenRows {
  if (o.assistantOnly && data.kind !== 'conversation') {
    const fix = 'Leave it out: of a completion every token is the assistant’s';
    throw new ConfigError({ where: 'assistantOnly', what: 'it is for conversations', got: data.kind, fix });
  }
  return fitRows(encodeRows(data, tokenizer, o.assistantOnly ?? false), (index) => data.where(index), o);
}

function encodeRows(data: Dataset, tokenizer: Tokenizer, assistantOnly: boolean): TokenRow[] {
  if (isKind(data, 'conversation')) {
    return data.rows.map((row, i) => {
      const { messages } = row;
      const where = data.where(i);
      checkRoles(messages, tokenizer, where);
      requireAnswer(messages, where);
      const tools = toolsOf(row, where);
      const { ids, assistant } = located(where, () => encodeChat(tokenizer, messages, tools && { tools }));
      if (!assistantOnly) return { ids, from: 0 };
      refuseUnmarked(assistant, 'assistantOnly');
      return { ids, from: 0, counts: assistant };
    });
  }
  if (isKind(data, 'conversation-completion')) {
    data.rows.forEach(({ prompt, completion }, i) => {
      checkRoles([...prompt, ...completion], tokenizer, data.where(i));
    });
    const rendered = renderRows(data, tokenizer) as Dataset<'prompt-completion'>;
    // the template has written every special token there is
    return rendered.rows.map(({ prompt, completion }) => {
      const head = tokenizer.encodeText(prompt);
      return { ids: joinIds(head, tokenizer.encodeText(completion)), from: head.length };
    });
  }
  const { eos } = tokenizer.special;
  if (eos === undefined) {
    throw new DataError({
      where: 'tokenizer',
      what: 'it has no end-of-text token, so a model would never learn to end',
      fix: 'Name one as eos_token in tokenizer_config.json',
    });
  }
  const { begin } = tokenizer;
  if (isKind(data, 'prompt-completion')) {
    return data.rows.map(({ prompt, completion }) => {
      const head = joinIds(begin, tokenizer.encodeText(prompt + tokenizer.promptSuffix));
      return { ids: joinIds(head, tokenizer.encodeText(completion), [eos]), from: head.length };
    });
  }
  if (isKind(data, 'text')) {
    return data.rows.map(({ text }) => ({ ids: joinIds(begin, tokenizer.encodeText(text), [eos]), from: 0 }));
  }
  throw new DataError({
    where: data.where(0),
    what: 'rows of this kind are not trained on as they are',
    got: data.kind,
    wanted: 'text, prompt-completion, conversation or conversation-completion',
    fix: 'Convert them first',
  });
}

/** Names the row in an error about it. */
function located<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'ERR_DATA') throw cause;
    const { message, fix } = cause as DataError;
    throw new DataError({ where, what: message, ...(fix === undefined ? {} : { fix }), cause });
  }
}

/**
 * Applies the overflow policy.
 * @param where names the place of a row
 * @throws DataError if no row is left, or for the first long one with policy `error`
 */
export function fitRows(
  rows: readonly TokenRow[],
  where: (index: number) => string,
  { limit, overflow = 'drop', keep = 'start' }: FitOptions,
): TokenRows {
  const kept: TokenRow[] = [];
  const places: string[] = [];
  let long = 0;
  let lost = 0;
  rows.forEach((row, index) => {
    const { ids } = row;
    if (ids.length <= limit) {
      kept.push(row);
      return;
    }
    const place = where(index);
    if (overflow === 'error') throw tooLong(place, ids.length, limit);
    long++;
    if (places.length < 10) places.push(place);
    if (overflow === 'split') {
      for (let start = 0; start < ids.length; start += limit) {
        // what belongs to the prompt stays out of the loss in every piece
        kept.push(pieceOf(row, start, limit));
      }
      return;
    }
    const start = keep === 'start' ? 0 : ids.length - limit;
    const cut = pieceOf(row, start, limit);
    // a row that is all prompt after the cut teaches nothing
    const usable = overflow === 'cut' && teaches(cut);
    lost += usable ? ids.length - limit : ids.length;
    if (usable) kept.push(cut);
  });
  if (kept.length === 0) {
    if (rows.length === 0) throw new DataError({ where: where(0), what: 'there are no rows', wanted: 'at least one' });
    const all = rows.length === 1 ? 'the only row is' : `all ${rows.length} rows are`;
    const shortest = rows.reduce((a, r) => Math.min(a, r.ids.length), Number.POSITIVE_INFINITY);
    throw new DataError({
      where: where(0),
      what: `${all} longer than the limit`,
      got: `${shortest} tokens${rows.length === 1 ? '' : ' in the shortest'}`,
      wanted: `at most ${limit} tokens`,
      fix: 'Raise maxLength, cut or split them (overflow), or use a model of a longer context',
    });
  }
  return { rows: kept, overflow: { rows: long, tokens: lost, where: places } };
}

/** Tokens `start` to `start + limit` of a row. */
const pieceOf = ({ ids, from, counts }: TokenRow, start: number, limit: number): TokenRow => ({
  ids: ids.subarray(start, start + limit),
  from: Math.max(from - start, 0),
  ...(counts && { counts: counts.subarray(start, start + limit) }),
});

/** Whether any token counts that has one before it. */
const teaches = ({ ids, from, counts }: TokenRow): boolean =>
  from < ids.length && (counts === undefined || counts.subarray(Math.max(from, 1)).includes(1));

const tooLong = (where: string, got: number, limit: number): DataError =>
  new DataError({
    where,
    what: 'the row is longer than the limit',
    got: `${got} tokens`,
    wanted: `at most ${limit}`,
    fix: 'Raise maxLength, use a model of a longer context, or overflow drop to leave such rows out',
  });
