// Comma-separated values (RFC 4180): the first line names the columns, a cell in quotes may hold commas, quotes written twice
// and line breaks. Every cell is text.
import { DataError } from '@gimbal/tensor-core';
import { checkRows, type RawRow, type RowOptions } from './check-rows.ts';
import type { Dataset, RowKind } from './rows.ts';

/** One record and the line it begins on, counted from 1. */
interface Csv {
  readonly cells: string[];
  readonly line: number;
}

function* recordsOf(text: string, file: string): Generator<Csv> {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const [cells, first]: [string[], number] = [[], line];
    for (let open = true; open; ) {
      let cell = '';
      if (text[at] === '"') {
        for (at++; ; ) {
          const end = text.indexOf('"', at);
          if (end < 0)
            throw new DataError({
              where: `${file}:${first}`,
              what: 'a quote is not closed',
              fix: 'Write quotes inside a cell twice',
            });
          cell += text.slice(at, end);
          at = end + 1;
          if (text[at] !== '"') break;
          cell += '"';
          at++;
        }
        line += cell.split('\n').length - 1;
      } else {
        const rest = /[^,\r\n]*/y;
        rest.lastIndex = at;
        cell = rest.exec(text)?.[0] ?? '';
        at += cell.length;
      }
      cells.push(cell);
      if (text[at] === ',') at++;
      else {
        if (text[at] === '\r') at++;
        if (at < text.length && text[at] !== '\n') {
          throw new DataError({
            where: `${file}:${line}`,
            what: 'something follows a closed quote',
            got: text.slice(at, at + 10),
            wanted: 'a comma or the end of the line',
          });
        }
        at++;
        line++;
        open = false;
      }
    }
    if (cells.length > 1 || cells[0] !== '') yield { cells, line: first };
  }
}

/**
 * Reads comma-separated values.
 * @param file its name, for messages
 * @throws DataError naming file and line, for a quote that is not closed or a line of another number of cells
 */
export function parseCsv<K extends RowKind = RowKind>(text: string, file: string, o?: RowOptions<K>): Dataset<K> {
  let names: readonly string[] | undefined;
  const rows: RawRow[] = [];
  for (const { cells, line } of recordsOf(text, file)) {
    const where = `${file}:${line}`;
    if (names === undefined) {
      names = cells;
      continue;
    }
    if (cells.length !== names.length) {
      throw new DataError({
        where,
        what: 'the line has another number of cells than the first',
        got: cells.length,
        wanted: names.length,
      });
    }
    rows.push({ value: Object.fromEntries(names.map((name, i) => [name, cells[i]])), where });
  }
  return checkRows(file, rows, o);
}
