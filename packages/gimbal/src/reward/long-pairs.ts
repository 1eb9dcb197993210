// What is said of pairs that a model has no room for: how many, where, how long is too long, and what helps.
import { counted } from '../cli/format.ts';

/** Rows that are longer than a model. */
export interface LongPairs {
  /** that were too long */
  rows: number;
  /** places of the first ones, each `file:line` */
  where: readonly string[];
  /** tokens that the model reads */
  limit: number;
  overflow: 'drop' | 'cut' | 'error';
}

/**
 * One sentence or two.
 * @param of how many rows there were
 * @param canCut false of rows that are scored, which is never done of less than the whole
 */
export function toldLong({ rows, where, limit, overflow }: LongPairs, of: number, what: string, canCut = true): string {
  const done = overflow === 'cut' ? 'cut' : 'left out';
  const more = rows > where.length ? ` and ${rows - where.length} more` : '';
  const help = `${overflow === 'cut' || !canCut ? '' : '--overflow cut shortens them; '}a model with a longer context (gimbal align --context) has room`;
  return `${rows} of ${counted(of, what)} are longer than ${limit} tokens and ${done}: ${places(where)}${more}. ${help}`;
}

/** `file:1, file:2` as `file:1, 2`: a path is said once, where it stands in a row. */
export function places(where: readonly string[]): string {
  let last: string | undefined;
  return where
    .map((place) => {
      const [, path = place, line] = /^(.*):(\d+)$/.exec(place) ?? [];
      const known = path === last;
      last = path;
      return known && line !== undefined ? line : place;
    })
    .join(', ');
}
