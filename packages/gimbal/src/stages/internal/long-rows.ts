// What is said of rows that are longer than the context.
import type { OverflowReport } from '@gimbal/language-models';
import { counted } from '../../cli/format.ts';

const mostPlaces = 3;

/**
 * `2 training rows are longer than the context and left out (rows.jsonl:3, rows.jsonl:9)`, of many places the first three.
 * @param done what became of them
 */
export function longRows(noun: string, { rows, where }: Pick<OverflowReport, 'rows' | 'where'>, done: string): string {
  const places = where.slice(0, mostPlaces).join(', ');
  const more = rows > mostPlaces ? ', …' : '';
  return `${counted(rows, noun)} ${rows === 1 ? 'is' : 'are'} longer than the context and ${done} (${places}${more})`;
}
