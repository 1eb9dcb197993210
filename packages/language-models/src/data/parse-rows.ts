// Texts of files to rows.
import { DataError } from '@gimbal/tensor-core';
import { messageOf } from '../message-of.ts';
import { checkRows, type RawRow, type RowOptions } from './check-rows.ts';
import { linesOf } from './lines.ts';
import { refuseChanged } from './refuse-changed.ts';
import type { Dataset, RowKind } from './rows.ts';

/**
 * Reads JSON Lines: an object a line; empty lines are skipped.
 * @param file its name, for messages
 * @throws DataError naming file and line
 */
export function parseJsonl<K extends RowKind = RowKind>(text: string, file: string, o?: RowOptions<K>): Dataset<K> {
  const rows: RawRow[] = [];
  for (const line of linesOf(text)) {
    if (line.text.trim() === '') continue;
    const where = `${file}:${line.number}`;
    if (rows.length === 0 && /^\s*\[\s*(?:\{|$)/.test(line.text)) throw wholeArray(where, file);
    let value: unknown;
    try {
      value = JSON.parse(line.text);
    } catch (cause) {
      const reason = messageOf(cause);
      throw new DataError({ where, what: `not JSON: ${reason}`, fix: 'A line holds one whole object', cause });
    }
    refuseChanged(line.text, where);
    rows.push({ value, where });
  }
  return checkRows(file, rows, o);
}

/** A command that turns a file with one JSON array into rows, in a file beside it; whatever the path, one shell line. */
export const toJsonLines = (file: string): string =>
  `node -e "for (const row of JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'))) console.log(JSON.stringify(row))" -- ${quoted(file)} > ${quoted(`${file.replace(/\.\w+$/, '')}.lines.jsonl`)} # and read that file`;

/** As a shell takes it for one word. */
const quoted = (word: string): string => (/^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

const wholeArray = (where: string, file: string): DataError =>
  new DataError({
    where,
    what: 'this is a JSON array; JSON Lines has one object a line, without brackets or commas between them',
    fix: `Convert it: ${toJsonLines(file)}`,
  });

/** How a plain text is divided into rows. */
export type TextRows = 'paragraph' | 'line' | 'document';

/**
 * Reads plain text as rows of kind `text`.
 * @param unit a paragraph ends at an empty line (default)
 * @throws DataError if there is nothing but white space
 */
export function parseText(text: string, file: string, unit: TextRows = 'paragraph'): Dataset<'text'> {
  const rows: { value: { text: string }; where: string }[] = [];
  let lines: string[] = [];
  let start = 1;
  const close = (): void => {
    const joined = lines.join('\n');
    if (joined.trim() !== '') rows.push({ value: { text: joined }, where: `${file}:${start}` });
    lines = [];
  };
  for (const line of linesOf(text)) {
    const ends = unit === 'line' || (unit === 'paragraph' && line.text.trim() === '');
    if (ends) close();
    if (lines.length === 0) start = line.number;
    if (!(unit === 'paragraph' && ends)) lines.push(line.text);
  }
  close();
  return checkRows(file, rows, { kind: 'text' });
}
