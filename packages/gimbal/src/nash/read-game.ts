// A game for gimbal nash-md --game: one of the paper's by name, or a matrix of preferences in a file.
import { readFile } from 'node:fs/promises';
import { csvRecords } from '@gimbal/language-models';
import {
  type PreferenceMatrix,
  preferenceGames,
  preferenceMatrix,
  symmetrise,
  winRatesFromCounts,
} from '@gimbal/nash-md';
import { ConfigError, checkName, DataError, nearest, rng } from '@gimbal/tensor-core';

/** A game as it is read: preferences, and what the file says of reference and τ. */
export interface ReadGame {
  P: PreferenceMatrix;
  reference?: readonly number[];
  tau?: number;
}

/** Games by name; `:` separates their numbers, as in cyclic:0.9:5. */
const namedGames = ['cyclic', 'dice', 'condorcet', 'annotators', 'random'] as const;

/** How many numbers each is given with. */
const numbersOf = { cyclic: 2, dice: 0, condorcet: 0, annotators: 1, random: 1 } as const;

/** A matrix of this many rows takes 8 MB, and a step of a solver about a millisecond. */
const mostResponses = 1000;

/**
 * @param game a name, or the path of a .json or .csv
 * @throws DataError saying what is no game, with the row and column of the first entry that is wrong
 */
export async function readGame(game: string, o: { seed: number; symmetrise: boolean }): Promise<ReadGame> {
  if (!/\.(json|csv|tsv)$/i.test(game)) return { P: named(game, o.seed) };
  const text = await readFile(game, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${cause.code})`;
    throw new DataError({ where: `gimbal nash-md --game ${game}`, what, cause });
  });
  const read = /\.json$/i.test(game) ? fromJson(text.replace(/^\uFEFF/, ''), game) : fromTable(text, game);
  if (read.counts && o.symmetrise)
    throw new ConfigError({
      where: 'gimbal nash-md --symmetrise',
      what: 'counts of wins are the same in both orders already',
      fix: 'Leave it out',
    });
  checkSize(read.rows.length, game);
  checkLabels(read, game);
  return { ...read, P: matrixOf(read, game, o.symmetrise) };
}

function named(game: string, seed: number): PreferenceMatrix {
  const [name = '', ...rest] = game.split(':');
  const [a, b] = rest.map((text) => {
    const x = Number(text);
    if (text.trim() === '' || !Number.isFinite(x))
      throw new DataError({ where: 'gimbal nash-md --game', what: `${game}: no number`, got: text });
    return x;
  });
  const most = numbersOf[name as (typeof namedGames)[number]];
  if (most !== undefined && rest.length > most)
    throw new DataError({
      where: 'gimbal nash-md --game',
      what: `${name} has no number of this place`,
      got: game,
      wanted: most === 0 ? name : `${name} and at most ${most} of them`,
    });
  const n = name === 'cyclic' ? b : name === 'random' ? a : undefined;
  if (n !== undefined) checkSize(n, '--game');
  switch (name) {
    case 'cyclic':
      return preferenceGames.cyclic(a ?? 1, b ?? 3);
    case 'dice':
      return preferenceGames.dice();
    case 'condorcet':
      return preferenceGames.condorcet();
    case 'annotators':
      return preferenceGames.annotatorTypes(a ?? 0.1);
    case 'random':
      return preferenceGames.random(a ?? 10, rng(seed).split('game'));
    default: {
      const near = nearest(name, namedGames);
      throw new DataError({
        where: 'gimbal nash-md --game',
        what: 'no such game',
        got: game,
        wanted: `${namedGames.join(', ')}, or a file that ends in .json, .csv or .tsv`,
        ...(near !== undefined && { fix: `Did you mean ${near}?` }),
      });
    }
  }
}

function checkSize(n: number, game: string): void {
  if (n <= mostResponses) return;
  const wanted = `at most ${mostResponses}`;
  throw new DataError({ where: `gimbal nash-md ${game}`, what: 'too many responses', got: n, wanted });
}

function checkLabels({ labels = [] }: Entries, file: string): void {
  const twice = labels.find((label, i) => labels.indexOf(label) < i);
  if (twice === undefined) return;
  throw new DataError({ where: `${file}, labels`, what: 'two responses of one name', got: twice });
}

interface Entries {
  rows: number[][];
  labels?: string[];
  /** the numbers are wins of one over the other, not probabilities */
  counts?: boolean;
  reference?: number[];
  tau?: number;
}

const gameFields = ['preferences', 'wins', 'labels', 'reference', 'tau'] as const;

function fromJson(text: string, file: string): Entries {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new DataError({ where: file, what: `no JSON: ${(cause as Error).message}`, cause });
  }
  const fields = (Array.isArray(data) ? { preferences: data } : (data ?? {})) as { [name: string]: unknown };
  for (const name of Object.keys(fields)) checkName(`${file}, field`, name, gameFields);
  const { preferences, wins, labels, reference, tau } = fields;
  if (preferences !== undefined && wins !== undefined)
    throw new DataError({ where: file, what: 'both preferences and wins', wanted: 'one of them' });
  const rows = preferences ?? wins;
  const isMatrix =
    Array.isArray(rows) && rows.every((row) => Array.isArray(row) && row.every((x) => typeof x === 'number'));
  if (!isMatrix) {
    const wanted =
      '[[0.5, 0.8], [0.2, 0.5]], or an object with it as "preferences" (or counts as "wins"), labels, reference, tau';
    throw new DataError({ where: file, what: 'it holds no matrix of numbers', wanted });
  }
  const named = labels === undefined || (Array.isArray(labels) && labels.every((x) => typeof x === 'string'));
  if (!named) throw new DataError({ where: `${file}, labels`, what: 'no list of names', got: labels });
  const distribution =
    reference === undefined || (Array.isArray(reference) && reference.every((x) => typeof x === 'number'));
  if (!distribution) throw new DataError({ where: `${file}, reference`, what: 'no list of numbers', got: reference });
  if (tau !== undefined && typeof tau !== 'number')
    throw new DataError({ where: `${file}, tau`, what: 'no number', got: tau });
  return {
    rows: rows as number[][],
    counts: preferences === undefined,
    ...(labels !== undefined && { labels: labels as string[] }),
    ...(reference !== undefined && { reference: reference as number[] }),
    ...(tau !== undefined && { tau }),
  };
}

/** Lines of numbers, with or without a line and a column of names. */
function fromTable(text: string, file: string): Entries {
  const records = [...csvRecords(text, file)]
    .map(({ cells, line }) => ({ cells: cells.map((cell) => cell.trim()), line }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  const cells = records.map((record) => record.cells);
  const isNumber = (cell: string | undefined): boolean =>
    cell !== undefined && cell !== '' && Number.isFinite(Number(cell));
  const head = cells[0]?.slice(1).some((cell) => !isNumber(cell)) ?? false;
  const body = head ? cells.slice(1) : cells;
  const side = body.some((row) => !isNumber(row[0]));
  const rows = body.map((row, i) =>
    row.slice(side ? 1 : 0).map((cell, j) => {
      if (isNumber(cell)) return Number(cell);
      const where = `${file}:${records[i + (head ? 1 : 0)]?.line}, column ${j + (side ? 2 : 1)}`;
      throw new DataError({ where, what: 'no number', got: cell, wanted: 'P(row ≻ column)' });
    }),
  );
  const names = side
    ? body.map((row) => row[0] as string)
    : head
      ? (cells[0] as string[]).slice(-rows.length)
      : undefined;
  const places = rows.flatMap((row, i) => row.map((x, j) => ({ x, i, j })));
  const count = places.find(({ x }) => x > 1 && Number.isInteger(x));
  if (count !== undefined && places.every(({ x }) => x >= 0 && Number.isInteger(x)))
    throw new DataError({
      where: `${file}, row ${count.i}, column ${count.j}`,
      what: 'no probability',
      got: count.x,
      wanted: 'a number from 0 to 1',
      fix: 'Counts of wins go into a .json: {"wins": [[0, 14], [6, 0]]}',
    });
  return { rows, ...(names && { labels: names }) };
}

function matrixOf({ rows, labels, counts = false }: Entries, file: string, symmetric: boolean): PreferenceMatrix {
  try {
    if (!symmetric && !counts) return preferenceMatrix(rows, labels);
    for (const [i, row] of rows.entries()) {
      if (row.length === rows.length) continue;
      throw new DataError({ where: `row ${i}`, what: 'not square', got: row.length, wanted: `${rows.length} entries` });
    }
    const names = labels ?? rows.map((_, i) => `response ${i + 1}`);
    if (counts) return winRatesFromCounts(names, Float64Array.from(rows.flat()));
    const P = symmetrise(rows.length, Float64Array.from(rows.flat()));
    return labels === undefined ? P : { ...P, labels };
  } catch (cause) {
    const { code, where, what, got, wanted, fix } = cause as DataError;
    if (code !== 'ERR_DATA') throw cause;
    const advice = fix?.startsWith('symmetrise') ? 'Add --symmetrise to average both orders' : fix;
    throw new DataError({
      where: `${file}, ${where}`,
      what,
      ...{ got, ...(wanted !== undefined && { wanted }), ...(advice !== undefined && { fix: advice }), cause },
    });
  }
}
