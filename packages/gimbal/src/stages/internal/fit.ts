// Whether rows fit the context: found out once the context is chosen, so that nothing is trained before a refusal.
import type { Dataset, Tokenizer } from '@gimbal/language-models';
import { DataError } from '@gimbal/tensor-core';
import { promptLength } from './room.ts';

/** How the rows of one part of the data fit. */
export interface Fit {
  /** `training`, `held-out` */
  part: string;
  rows: number;
  /** of them: those that fit, and those whose prompt leaves room for a token */
  whole: number;
  prompts: number;
  /** tokens of the shortest row */
  shortest: number;
  /** place and tokens of the first row that does not fit */
  firstLong?: { where: string; tokens: number };
  /** place of the first row */
  first: string;
}

/** What becomes of rows longer than the context in fine-tuning. */
export type LongRows = 'drop' | 'error' | 'cut';

/** Count them, as fine-tuning will: prompt, separator, completion and end. */
export function fitOf(part: string, data: Dataset<'prompt-completion'>, tokenizer: Tokenizer, context: number): Fit {
  const fit: Fit = {
    part,
    rows: data.rows.length,
    whole: 0,
    prompts: 0,
    shortest: Number.POSITIVE_INFINITY,
    first: data.where(0),
  };
  for (const [i, { prompt, completion }] of data.rows.entries()) {
    const head = promptLength(tokenizer, prompt, true);
    const tokens = head + tokenizer.encodeText(completion).length + 1;
    fit.shortest = Math.min(fit.shortest, tokens);
    if (head < context) fit.prompts++;
    if (tokens <= context) fit.whole++;
    else fit.firstLong ??= { where: data.where(i), tokens };
  }
  return fit;
}

/**
 * @param parts the training rows, then others
 * @param isGiven whether the context is that of a model the run starts from
 * @throws DataError where fine-tuning or evaluation would be left without a row, or meets one that shall be an error
 */
export function refuseUnfit(parts: readonly Fit[], context: number, long: LongRows, isGiven: boolean): void {
  const more = (tokens: number): string =>
    isGiven
      ? 'Shorten the rows, or start from a --model of a longer context'
      : `Give a --context of at least ${tokens}`;
  for (const { part, rows, whole, prompts, shortest, firstLong, first } of parts) {
    if (long === 'error' && part !== 'held-out' && firstLong !== undefined) {
      throw new DataError({
        where: firstLong.where,
        what: 'the row is longer than the context, which --fine-tune-overflow error refuses',
        got: `${firstLong.tokens} tokens`,
        wanted: `at most ${context}`,
        fix: `${more(firstLong.tokens)}, or leave such rows out with --fine-tune-overflow drop`,
      });
    }
    // cut helps training only: what is reported is of whole rows
    const isCut = long === 'cut' && part !== 'held-out';
    if (isCut ? prompts > 0 : whole > 0) continue;
    const others = parts.some((other) => other.part === 'held-out' && other.whole === 0);
    const cut =
      isCut || long === 'cut' || others || prompts === 0 ? '' : ', or cut their end with --fine-tune-overflow cut';
    throw new DataError({
      where: first,
      what: `all ${rows} ${part} rows are longer than the context${isCut ? ' by their prompts alone' : ''}`,
      got: `${shortest} tokens in the shortest`,
      wanted: `at most ${context} tokens`,
      fix: `${more(shortest)}${cut}`,
    });
  }
}
