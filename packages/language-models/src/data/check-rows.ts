// From objects to rows of a kind: columns renamed, types checked, each error with its place.
import { DataError, nearest } from '@gimbal/tensor-core';
import {
  type ColumnType,
  columnTypes,
  type Dataset,
  type Message,
  namedKinds,
  type RowKind,
  type RowKinds,
  rowColumns,
} from './rows.ts';

/** Names of the user's columns by ours: `{ prompt: 'question', completion: 'answer' }`. */
export type ColumnMap = Readonly<Record<string, string>>;

/** How rows of the user's are read. */
export interface RowOptions<K extends RowKind = RowKind> {
  /** The kind the rows must be of; by default the first row says it. */
  kind?: K;
  /** The kinds the rows may be of, where some cannot be told by the columns alone: the first that the first row fits. */
  oneOf?: readonly K[];
  /**
   * The user's names of our columns, where they differ (each under its own name). A column that has such a name of ours
   * by itself is left out: the one that was named stands in its place.
   */
  columns?: ColumnMap;
  /** The kinds that the caller has a use for: what an error about unknown columns names (all). */
  usable?: readonly RowKind[];
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
 * something of another type in it
 */
export function checkRows<K extends RowKind = RowKind>(
  source: string,
  raw: readonly RawRow[],
  { kind, oneOf, columns = {}, usable }: RowOptions<K> = {},
): Dataset<K> {
  const first = raw[0];
  if (first === undefined) throw new DataError({ where: source, what: 'there are no rows', wanted: 'at least one' });
  refuseAbsentColumns(source, raw, columns);
  const named = raw.map(({ value, where }) => renameColumns(value, where, columns));
  const row = named[0] as Record<string, unknown>;
  // where none fits, what the first of them lacks is told
  const listed = oneOf?.find((candidate) => fitsKind(row, candidate)) ?? oneOf?.[0];
  const found = kind ?? listed ?? (kindOf(row, Object.keys(columns)) as K | undefined);
  if (found === undefined) throw unknownKind(first.where, Object.keys(named[0] ?? {}), usable);
  named.forEach((row, i) => {
    for (const [column, type] of Object.entries(columnTypes[found])) {
      checkColumn(row, column, type, (raw[i] as RawRow).where, columns, named);
    }
    if (found === 'stepwise') checkSteps(row as RowKinds['stepwise'], (raw[i] as RawRow).where);
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

function renameColumns(value: unknown, where: string, columns: ColumnMap): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
    throw new DataError({
      where,
      what: 'a row must be an object',
      got,
      wanted: '{"text": …} or {"prompt": …, "completion": …}',
    });
  }
  const named = Object.entries(columns);
  if (named.length === 0) return value as Record<string, unknown>;
  const cells = Object.entries(value).flatMap(([column, cell]) => {
    const ours = named.filter(([, theirs]) => theirs === column).map(([name]) => name);
    const kept = Object.hasOwn(columns, column) ? [] : [column];
    return (ours.length > 0 ? ours : kept).map((name) => [name, cell] as const);
  });
  return Object.fromEntries(cells);
}

/** The kind whose columns a row has; where it has several, one with all columns that were named, then one with more. */
function kindOf(row: Record<string, unknown>, wanted: readonly string[]): RowKind | undefined {
  const kinds = (Object.keys(columnTypes) as RowKind[]).filter((kind) => !namedKinds.has(kind));
  const lacks = (kind: RowKind): number => wanted.filter((column) => !rowColumns[kind].includes(column)).length;
  return kinds
    .filter((kind) => fitsKind(row, kind))
    .sort((a, b) => lacks(a) - lacks(b) || rowColumns[b].length - rowColumns[a].length)[0];
}

const fitsKind = (row: Record<string, unknown>, kind: RowKind): boolean =>
  Object.entries(columnTypes[kind]).every(
    ([column, type]) =>
      column in row && (type === 'messages') === isMessages(row[column]) && !isForeignLabel(row, kind),
  );

/** Prompt and completion may stand beside a label that is no verdict: it is carried along. */
const isForeignLabel = (row: Record<string, unknown>, kind: RowKind): boolean =>
  kind.endsWith('unpaired-preference') && typeof row.label !== 'boolean';

const isMessages = (cell: unknown): boolean =>
  Array.isArray(cell) && cell.every((m) => typeof m === 'object' && m !== null);

const isList = (cell: unknown, type: string): boolean =>
  Array.isArray(cell) && cell.every((item) => typeof item === type);

const tests: Readonly<Record<ColumnType, { wanted: string; what: string; test: (cell: unknown) => boolean }>> = {
  text: { what: 'text', wanted: 'a string', test: (cell) => typeof cell === 'string' },
  texts: { what: 'a list of texts', wanted: 'a list of strings', test: (cell) => isList(cell, 'string') },
  boolean: { what: 'true or false', wanted: 'true or false', test: (cell) => typeof cell === 'boolean' },
  booleans: { what: 'a list of true and false', wanted: 'a list of booleans', test: (cell) => isList(cell, 'boolean') },
  label: {
    what: 'a label',
    wanted: 'a string, a number or a boolean, or a list of strings or numbers',
    test: (cell) =>
      ['string', 'number', 'boolean'].includes(typeof cell) || isList(cell, 'string') || isList(cell, 'number'),
  },
  messages: {
    what: 'messages',
    wanted: '[{"role": …, "content": …}, …], at least one',
    test: (cell) => isMessages(cell) && (cell as Message[]).length > 0 && (cell as Message[]).every(isMessage),
  },
};

/** A turn has a role; its content is text, parts, or absent beside tool calls. */
function isMessage(m: Message): boolean {
  if (typeof m.role !== 'string') return false;
  return (
    typeof m.content === 'string' || Array.isArray(m.content) || (m.content ?? m.tool_calls ?? undefined) !== undefined
  );
}

function checkSteps({ completions, labels }: RowKinds['stepwise'], where: string): void {
  if (completions.length === labels.length) return;
  const wanted = `${completions.length}, one for each of completions`;
  throw new DataError({ where, what: 'column labels has another length', got: labels.length, wanted });
}

function checkColumn(
  row: Record<string, unknown>,
  column: string,
  type: ColumnType,
  where: string,
  columns: ColumnMap,
  all: readonly Record<string, unknown>[],
): void {
  const cell = row[column];
  const { what, wanted, test } = tests[type];
  if (test(cell)) return;
  const name = columns[column] ?? column;
  const faulty = all.filter((other) => !test(other[column])).length;
  const rowsToMend = faulty === 1 ? 'Mend this row, or remove it' : `Mend or remove the ${faulty} rows of that kind`;
  if (!(column in row)) {
    const found = Object.keys(row).map((ours) => columns[ours] ?? ours);
    const near = nearest(name, found);
    const isNamed = all.some((other) => column in other); // then it is the row that is wrong, not the name
    const unnamed =
      near === undefined
        ? `Name yours with --columns ${column}=…`
        : `Did you mean ${near}? Use --columns ${column}=${near}`;
    throw new DataError({
      where,
      what: `the row has no column ${name}`,
      got: found.join(', '),
      wanted: name,
      fix: isNamed ? rowsToMend : unnamed,
    });
  }
  throw new DataError({ where, what: `column ${name} must hold ${what}`, got: cell, wanted, fix: rowsToMend });
}

function unknownKind(
  where: string,
  found: readonly string[],
  usable = Object.keys(rowColumns) as readonly RowKind[],
): DataError {
  const example = usable.includes('prompt-completion')
    ? 'prompt=question,completion=answer'
    : rowColumns[usable[0] as RowKind].map((column) => `${column}=…`).join(',');
  return new DataError({
    where,
    what: 'the columns are those of no kind of row',
    got: found.join(', ') || 'none',
    wanted: [...new Set(usable.map((kind) => rowColumns[kind].join(' and ')))].join(', or '),
    fix: `Name yours with --columns, for example --columns ${example}`,
  });
}
