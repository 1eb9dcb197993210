// Rows of one kind as rows of another, texts and conversations alike, as TRL's data utilities make them (dataset formats,
// trl 1.13). Other columns are carried along.
import { DataError } from '@gimbal/tensor-core';
import { type Dataset, isKind, type Message, type RowKind, type RowKinds } from './rows.ts';

type Pair<T> = { chosen: T; rejected: T };

/** Who is told of rows that are odd, but no error. */
export interface ConvertOptions {
  /** Told, once, of pairs whose two sides are the same: they prefer nothing (console.warn). */
  warn?: (message: string) => void;
}

/**
 * Takes the prompt out of preferences that do not name it: what both texts, or both conversations, begin with. A space
 * before the place where two texts part belongs to the completions, whose tokens begin with it.
 * @returns `implicit-preference` → `preference`, `conversation-implicit-preference` → `conversation-preference`; these two
 * as they are
 * @throws DataError naming the place of a row whose sides do not begin alike, or for rows of another kind
 */
export function explicitPrompts(
  data: Dataset,
  { warn = console.warn }: ConvertOptions = {},
): Dataset<'preference' | 'conversation-preference'> {
  tellTies(data, warn);
  if (isKind(data, 'preference') || isKind(data, 'conversation-preference')) return data;
  if (isKind(data, 'implicit-preference'))
    return convert(data, 'preference', (row, where) => ({ ...row, ...splitAt(row, commonText(row), where) }));
  if (isKind(data, 'conversation-implicit-preference'))
    return convert(data, 'conversation-preference', (row, where) => ({
      ...row,
      ...splitAt(row, commonTurns(row), where),
    }));
  throw otherKind(data, 'chosen and rejected');
}

/**
 * Two rows of each pair: the better completion with the label true, then the worse with false.
 * @returns `preference` → `unpaired-preference`, `conversation-preference` → `conversation-unpaired-preference`; those
 * without a prompt are split by `explicitPrompts` first
 * @throws DataError as `explicitPrompts`
 */
export function unpairedPreferences(
  data: Dataset,
  o?: ConvertOptions,
): Dataset<'unpaired-preference' | 'conversation-unpaired-preference'> {
  const pairs = explicitPrompts(data, o);
  const rows = (pairs.rows as readonly (Pair<unknown> & { prompt: unknown })[]).flatMap((row) => {
    const { chosen, rejected, ...rest } = row;
    return [
      { ...rest, completion: chosen, label: true },
      { ...rest, completion: rejected, label: false },
    ];
  });
  const kind = pairs.kind === 'preference' ? 'unpaired-preference' : 'conversation-unpaired-preference';
  return { kind, rows: rows as never, where: (i) => pairs.where(Math.floor(i / 2)) };
}

/**
 * The better completions alone, to fine-tune on.
 * @returns `preference` → `prompt-completion`, `conversation-preference` → `conversation-completion`; those without a
 * prompt are split by `explicitPrompts` first
 * @throws DataError as `explicitPrompts`
 */
export function chosenCompletions(
  data: Dataset,
  o?: ConvertOptions,
): Dataset<'prompt-completion' | 'conversation-completion'> {
  const pairs = explicitPrompts(data, o);
  const rows = (pairs.rows as readonly (Pair<unknown> & { prompt: unknown })[]).map((row) => {
    const { chosen, rejected: _, ...rest } = row;
    return { ...rest, completion: chosen };
  });
  const kind = pairs.kind === 'preference' ? 'prompt-completion' : 'conversation-completion';
  return { kind, rows: rows as never, where: (i) => pairs.where(i) };
}

function convert<F extends RowKind, K extends RowKind>(
  data: Dataset<F>,
  kind: K,
  of: (row: RowKinds[F], where: string) => RowKinds[K],
): Dataset<K> {
  return { kind, rows: data.rows.map((row, i) => of(row, data.where(i))), where: (i) => data.where(i) };
}

/** Says how many pairs have two equal sides, and where the first is. */
function tellTies(data: Dataset, warn: (message: string) => void): void {
  const ties = [...data.rows.keys()].filter((i) => {
    const { chosen, rejected } = data.rows[i] as Partial<Pair<unknown>>;
    return chosen !== undefined && JSON.stringify(chosen) === JSON.stringify(rejected);
  });
  if (ties.length === 0) return;
  const pairs = ties.length === 1 ? 'one pair has' : `${ties.length} pairs have`;
  warn(`${pairs} the same answer on both sides, which prefers nothing (first: ${data.where(ties[0] as number)})`);
}

/** Both sides from `n` on, and what stands before. */
function splitAt<T extends string | readonly Message[]>(
  { chosen, rejected }: Pair<T>,
  n: number,
  where: string,
): { prompt: T; chosen: T; rejected: T } {
  if (n === 0) {
    const [what, wanted] =
      typeof chosen === 'string'
        ? ['the two texts do not begin alike', 'a common prompt']
        : ['the two conversations do not begin alike', 'a common first message'];
    throw new DataError({ where, what, wanted });
  }
  const rest = (side: T): T => side.slice(n) as T;
  return { prompt: chosen.slice(0, n) as T, chosen: rest(chosen), rejected: rest(rejected) };
}

/** UTF-16 units that both texts begin with; each keeps one at least, and no pair of surrogates is cut. */
function commonText({ chosen, rejected }: Pair<string>): number {
  const most = Math.min(chosen.length, rejected.length) - 1;
  let n = 0;
  while (n < most && chosen[n] === rejected[n]) n++;
  if (/[\ud800-\udbff]$/.test(chosen.slice(0, n))) n--;
  return n > 0 && chosen[n - 1] === ' ' ? n - 1 : n;
}

/** Messages that both conversations begin with; each keeps one at least. */
function commonTurns({ chosen, rejected }: Pair<readonly Message[]>): number {
  const most = Math.min(chosen.length, rejected.length) - 1;
  let n = 0;
  while (n < most && JSON.stringify(chosen[n]) === JSON.stringify(rejected[n])) n++;
  return n;
}

const otherKind = (data: Dataset, wanted: string): DataError =>
  new DataError({ where: data.where(0), what: 'rows of this kind hold no pair', got: data.kind, wanted });
