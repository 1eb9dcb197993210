// Comma-separated values (RFC 4180): the first line names the columns, a cell in quotes may hold commas, quotes written twice
// and line breaks. Every cell is text. Spreadsheets write semicolons where a comma is the decimal point, or tabs.
import { DataError } from '@gimbal/tensor-core';
import { checkRows, type RawRow, type RowOptions } from './check-rows.ts';
import type { Dataset, RowKind } from './rows.ts';

/** One record and the line it begins on, counted from 1. */
export interface CsvRecord {
  /** as text, quotes taken off */
  readonly cells: string[];
  /** where it begins */
  readonly line: number;
}

/** What stands between cells: a comma; where the first line has none, a tab or semicolon that it has. */
function separatorOf(text: string): ',' | ';' | '\t' {
  const first = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  return ([',', '\t', ';'] as const).find((separator) => first.includes(separator)) ?? ',';
}

/**
 * The records of comma-separated values as they stand, the first line among them; empty lines are left out. Where the first
 * line has no comma, tabs or semicolons separate.
 * @param file its name, for messages
 * @throws DataError naming file and line, for a quote that is not closed or followed by something
 */
export function* csvRecords(text: string, file: string): Generator<CsvRecord, void, undefined> {
  const separator = separatorOf(text);
  const unquoted = new RegExp(`[^${separator}\\r\\n]*`, 'y');
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const [cells, first, start]: [string[], number, number] = [[], line, at];
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
        unquoted.lastIndex = at;
        cell = unquoted.exec(text)?.[0] ?? '';
        at += cell.length;
      }
      cells.push(cell);
      if (text[at] === separator) at++;
      else {
        const returned = text[at] === '\r';
        if (returned) at++;
        if (at < text.length && text[at] !== '\n') {
          if (returned) {
            const fix = 'Save the file with line feeds, as every program of today does';
            throw new DataError({ where: `${file}:${line}`, what: 'a line ends with a carriage return alone', fix });
          }
          throw new DataError({
            where: `${file}:${line}`,
            what: 'something follows a closed quote',
            got: text.slice(at, at + 10),
            wanted: `${{ ',': 'a comma', ';': 'a semicolon', '\t': 'a tab' }[separator]} or the end of the line`,
          });
        }
        at++;
        line++;
        open = false;
      }
    }
    // an empty cell in quotes is a row, also where it stands alone
    if (cells.length > 1 || cells[0] !== '' || text[start] === '"') yield { cells, line: first };
  }
}

/**
 * Reads comma-separated values; where the first line has no comma, those that tabs or semicolons separate.
 * @param file its name, for messages
 * @throws DataError naming file and line, for a quote that is not closed, a line of another number of cells or two columns of
 * one name
 */
export function parseCsv<K extends RowKind = RowKind>(text: string, file: string, o?: RowOptions<K>): Dataset<K> {
  let names: readonly string[] | undefined;
  const rows: RawRow[] = [];
  for (const { cells, line } of csvRecords(text, file)) {
    const where = `${file}:${line}`;
    if (names === undefined) {
      refuseTwice(cells, where);
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

/** Of two columns of one name one would be lost. */
function refuseTwice(names: readonly string[], where: string): void {
  const name = names.find((each, i) => names.indexOf(each) < i);
  if (name === undefined) return;
  throw new DataError({
    where,
    what: `two columns are called ${name === '' ? 'nothing' : name}`,
    got: names.join(', '),
    wanted: 'a name of its own for each column',
    fix: 'Give one of them another name in the first line',
  });
}
