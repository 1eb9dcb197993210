// What is said of rows that are longer than --max-length: how many, where the first are, and which flags help.
import type { Overflow } from '@gimbal/tensor-core';
import { places } from '../reward/long-pairs.ts';

const done: { readonly [O in Overflow]: string } = {
  drop: 'left out',
  cut: 'cut',
  split: 'split',
  error: 'refused',
};

/**
 * One sentence, and one that helps where rows are lost.
 * @param overflow rows that were too long, and the places of the first of them
 * @param of all there are: `36 rows`
 */
export function longRows(
  overflow: { rows: number; where: readonly string[] },
  of: string,
  limit: { tokens: number; context: number; overflow: Overflow },
): string {
  const { rows, where } = overflow;
  const more = rows > where.length ? ` and ${rows - where.length} more` : '';
  const told = `${rows} of ${of} ${rows === 1 ? 'is' : 'are'} too long, over ${limit.tokens} tokens, and ${done[limit.overflow]}: ${places(where)}${more}`;
  if (limit.overflow === 'split') return told;
  const helps: string[] = [];
  if (limit.tokens < limit.context)
    helps.push(`a higher --max-length keeps them whole (the model reads ${limit.context} tokens)`);
  if (limit.overflow === 'drop') helps.push('--overflow cut keeps their beginning');
  return helps.length === 0 ? told : `${told}; ${helps.join(', ')}`;
}
