// From objects to rows of a kind: columns renamed, types checked, each error with its place.
import { DataError, nearest } from '@gimbal/tensor-core';
import { type Dataset, type RowKind, type RowKinds, rowColumns } from './rows.ts';

/** Names of the user's columns by ours: `{ prompt: 'question', completion: 'answer' }`. */
export type ColumnMap = Readonly<Record<string, string>>;

/** How rows of the user's are read. */
export interface RowOptions<K extends RowKind = RowKind> {
  /** The kind the rows must be of; by default the first row says it. */
  kind?: K;
  /** The user's names of our columns, where they differ (each under its own name). */
  columns?: ColumnMap;
}

/** A row before it is checked, and where it stands. */
export interface RawRow {
  /** As parsed: anything. */
  readonly value: unknown;
  /** Its place, for messages: `rows.jsonl:12`. */
  readonly where: string;
}

/**
 * Checks rows and renames their columns; columns of no kind are carried along, absent ones stay absent.
 * @param source names the data in an error about all of it
 * @throws DataError if there is no row, or naming the place of the first one that is no object, lacks a column or has
 * something else than a string in it
 */
export function checkRows<K extends RowKind = RowKind>(
  source: string,
  raw: readonly RawRow[],
  { kind, columns = {} }: RowOptions<K> = {},
): Dataset<K> {
  const first = raw[0];
  if (first === undefined) throw new DataError({ where: source, what: 'there are no rows', wanted: 'at least one' });
  refuseAbsentColumns(source, raw, columns);
  const rename = new Map(Object.entries(columns).map(([ours, theirs]) => [theirs, ours]));
  const named = raw.map(({ value, where }) => renameColumns(value, where, rename));
  const found = kind ?? (kindOf(named[0] as Record<string, unknown>) as K | undefined);
  if (found === undefined) throw unknownKind(first.where, Object.keys(named[0] ?? {}));
  named.forEach((row, i) => {
    for (const column of rowColumns[found]) checkText(row, column, (raw[i] as RawRow).where, columns[column]);
  });
  return { kind: found, rows: named as RowKinds[K][], where: (index) => raw[index]?.where ?? source };
}

/**
 * A data set from objects in memory.
 * @example dataset([{ prompt: '1 + 1 =', completion: '2' }])
 * @throws DataError as `checkRows`, naming rows by index
 */
export const dataset = <K extends RowKind = RowKind>(rows: readonly unknown[], o?: RowOptions<K>): Dataset<K> =>
  checkRows(
    'rows',
    rows.map((value, i) => ({ value, where: `row ${i}` })),
    o,
  );

/** A name that no row has is a misspelling, also where the rows happen to have a column of ours. */
function refuseAbsentColumns(source: string, raw: readonly RawRow[], columns: ColumnMap): void {
  for (const [ours, theirs] of Object.entries(columns)) {
    const has = ({ value }: RawRow): boolean =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, theirs);
    if (raw.some(has)) continue;
    const found = Object.keys((raw[0]?.value ?? {}) as object);
    const near = nearest(theirs, found);
    throw new DataError({
      where: source,
      what: `no row has the column ${theirs}, which columns names for ${ours}`,
      got: found.join(', '),
      wanted: theirs,
      fix: near === undefined ? `Name one that is there: --columns ${ours}=…` : `Did you mean ${ours}=${near}?`,
    });
  }
}

function renameColumns(value: unknown, where: string, rename: ReadonlyMap<string, string>): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
    throw new DataError({
      where,
      what: 'a row must be an object',
      got,
      wanted: '{"text": …} or {"prompt": …, "completion": …}',
    });
  }
  if (rename.size === 0) return value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(value).map(([column, cell]) => [rename.get(column) ?? column, cell]));
}

/** The kind whose columns a row has; the one with more columns where it has several. */
function kindOf(row: Record<string, unknown>): RowKind | undefined {
  const kinds = Object.keys(rowColumns) as RowKind[];
  return kinds
    .filter((kind) => rowColumns[kind].every((column) => column in row))
    .sort((a, b) => rowColumns[b].length - rowColumns[a].length)[0];
}

function checkText(row: Record<string, unknown>, column: string, where: string, theirs: string | undefined): void {
  const cell = row[column];
  if (typeof cell === 'string') return;
  const name = theirs ?? column;
  if (!(column in row)) {
    const near = nearest(name, Object.keys(row));
    throw new DataError({
      where,
      what: `the row has no column ${name}`,
      got: Object.keys(row).join(', '),
      wanted: name,
      fix:
        near === undefined
          ? `Name yours with --columns ${column}=…`
          : `Did you mean ${near}? Use --columns ${column}=${near}`,
    });
  }
  throw new DataError({ where, what: `column ${name} must hold text`, got: cell, wanted: 'a string' });
}

function unknownKind(where: string, found: readonly string[]): DataError {
  return new DataError({
    where,
    what: 'the columns are those of no kind of row',
    got: found.join(', ') || 'none',
    wanted: Object.values(rowColumns)
      .map((columns) => columns.join(' and '))
      .join(', or '),
    fix: 'Name yours with --columns, for example --columns prompt=question,completion=answer',
  });
}
