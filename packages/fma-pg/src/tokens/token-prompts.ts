/**
 * Prompts as a trainer takes them: one that gives the policy nothing to go on from is refused, one that leaves no room for
 * a completion is left out or refused. None is cut: without its end it asks something else.
 */
import { ConfigError, DataError, hashWords, type Prompt, type TextCodec, type TokenPolicy } from '@gimbal/tensor-core';
import { promptText } from './prompt-text.ts';
import { encodePrompts } from './token-batch.ts';

/** What became of prompts that leave no room for a completion. */
export interface PromptOverflow {
  /** how many were left out */
  readonly rows: number;
  /** places of the first ten, as 'prompts, row 3', counted from 0 */
  readonly where: readonly string[];
}

interface PromptOptions {
  policy: TokenPolicy;
  codec: TextCodec;
  maxNewTokens: number;
  overflow: 'drop' | 'error';
}

/** What models say of themselves where they do. */
interface Described {
  readonly config?: { readonly contextLength?: number };
  /** an encoder-decoder: prompt and completion have a context each */
  readonly readsWholePrompts?: boolean;
}

/** prompts that are in memory as tokens at a time */
const chunk = 1024;

/** @throws ConfigError naming the row, for what is no list of texts or of rows with a text `prompt` */
export function checkPrompts(name: string, prompts: readonly Prompt[]): void {
  // a string has places too, and would be learnt letter by letter
  if (!Array.isArray(prompts))
    throw new ConfigError({
      where: name,
      what: 'no list',
      got: typeof prompts,
      wanted: 'texts, or rows with a prompt',
    });
  if (prompts.length === 0) throw new ConfigError({ where: name, what: 'there are none' });
  for (const [i, row] of (prompts as readonly unknown[]).entries()) {
    if (typeof row === 'string' || typeof (row as { prompt?: unknown } | null)?.prompt === 'string') continue;
    const wanted = 'a text, or a row with a text in prompt';
    throw new ConfigError({
      where: `${name}, row ${i}`,
      what: 'no prompt',
      got: row === null ? 'null' : typeof row,
      wanted,
    });
  }
}

/**
 * The prompts that leave the policy room for `maxNewTokens`, in their order; all of them where the policy names no context.
 * @param name of the option, for messages
 * @throws DataError naming the row, for a prompt without a token, and with overflow 'error' for one that is too long; also
 * where none is left
 */
export function fittingPrompts(
  name: string,
  prompts: readonly Prompt[],
  { policy, codec, maxNewTokens, overflow }: PromptOptions,
): { fitting: readonly Prompt[]; overflow: PromptOverflow } {
  const { config, readsWholePrompts = false } = policy as Described;
  const context = config?.contextLength ?? Number.POSITIVE_INFINITY;
  const room = readsWholePrompts ? context : context - maxNewTokens;
  const fitting: Prompt[] = [];
  const long: { where: string; length: number }[] = [];
  for (let from = 0; from < prompts.length; from += chunk) {
    const rows = prompts.slice(from, from + chunk);
    for (const [i, length] of encodePrompts(codec, rows).lengths.entries()) {
      const where = `${name}, row ${from + i}`;
      if (length === 0)
        throw new DataError({
          where,
          what: 'the prompt has no token, so there is nothing to go on from',
          fix: 'Leave it out, or let codec begin texts with a start token',
        });
      if (length <= room) fitting.push(rows[i] as Prompt);
      else if (overflow === 'error') throw new DataError({ where, ...tooLong(length, room, context) });
      else long.push({ where, length });
    }
  }
  const [first] = long;
  if (fitting.length === 0 && first !== undefined) {
    const { what, ...rest } = tooLong(first.length, room, context);
    throw new DataError({ where: name, what: `none of the ${prompts.length} fits: of row 0 ${what}`, ...rest });
  }
  return { fitting, overflow: { rows: long.length, where: long.slice(0, 10).map(({ where }) => where) } };
}

const tooLong = (length: number, room: number, context: number) => ({
  what: 'the prompt leaves no room for a completion in the policy’s context',
  got: length,
  wanted: `at most ${Math.max(0, room)} tokens${room === context ? '' : `, ${context} less maxNewTokens`}`,
  fix: "Leave long prompts out (overflow: 'drop'), or lower maxNewTokens",
});

/** A name for prompts and their order: a run goes on with its own, others of the same number would pass unseen. */
export const promptsName = (prompts: readonly Prompt[]): string => hashWords(unitsOf(prompts));

function* unitsOf(prompts: readonly Prompt[]): Generator<number> {
  for (const prompt of prompts) {
    const text = promptText(prompt);
    yield text.length; // no two prompts run into one
    for (let i = 0; i < text.length; i++) yield text.charCodeAt(i);
  }
}
