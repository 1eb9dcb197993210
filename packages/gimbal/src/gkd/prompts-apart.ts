// Prompts to learn from and prompts that the models are compared on; completions that the student has no room for.
import type { splitDataset, Tokenizer } from '@gimbal/language-models';
import type { Prompt, Rng } from '@gimbal/tensor-core';
import { duplicatesText } from '../options/held-out.ts';
import { places } from '../reward/long-pairs.ts';
import { promptText } from '../rl/prompt-rows.ts';

/** Two parts of the prompts; equal ones are on one side, but where all are equal, or there is one, both have them. */
export function promptsApart(
  rows: readonly Prompt[],
  share: number,
  rng: Rng,
  o: { split: typeof splitDataset; note(text: string): void },
): { training: readonly Prompt[]; heldOut: readonly Prompt[] } {
  const texts = new Set(rows.map(promptText));
  if (texts.size === 1) {
    o.note(`${rows.length === 1 ? 'the only row is' : 'all rows have one prompt: it is'} trained on and compared on`);
    return { training: rows, heldOut: rows };
  }
  const named = rows.map((row) => ({ prompt: promptText(row), row }));
  const data = { kind: 'prompt' as const, rows: named, where: (i: number) => `row ${i}` };
  const { train, heldOut, duplicates } = o.split(data, share, rng);
  if (duplicates > 0)
    o.note(`${duplicatesText(duplicates, rows.length, 'prompt')}; equal ones are all trained on or all held out`);
  const given = (part: typeof data): Prompt[] => part.rows.map(({ row }) => row);
  return { training: given(train as typeof data), heldOut: given(heldOut as typeof data) };
}

const named = 3;

/**
 * What is said of rows that are not learned from, as their completions are too long.
 * @param apart an encoder-decoder reads prompt and completion apart
 * @param where of a row, for messages
 * @returns undefined where all fit
 */
export function longCompletions(
  rows: readonly Prompt[],
  o: { tokenizer: Tokenizer; context: number; apart: boolean; promptLength(row: Prompt): number },
  where: ReadonlyMap<Prompt, string>,
): string | undefined {
  const long = rows.filter((row) => {
    const { completion } = typeof row === 'string' ? {} : (row as { completion?: unknown });
    if (typeof completion !== 'string') return false;
    const tokens = o.tokenizer.encodeText(completion).length + 1;
    return (o.apart ? tokens : o.promptLength(row) + tokens) > o.context;
  });
  if (long.length === 0) return undefined;
  const first = long.slice(0, named).flatMap((row) => where.get(row) ?? []);
  const more = first.length > 0 && long.length > first.length ? ` and ${long.length - first.length} more` : '';
  const [is, completions] = long.length === 1 ? ['is', 'completion is'] : ['are', 'completions are'];
  return `${long.length} of ${rows.length} rows ${is} not learned from: with prompt and end the ${completions} longer than the student’s ${o.context} tokens${first.length > 0 ? `: ${places(first)}${more}` : ''}`;
}
