// How often a reward or a preference agrees with labels, in all and on every slice of the data.
import {
  ConfigError,
  checkedRewards,
  checkKnown,
  DataError,
  type PreferenceFn,
  type RewardFn,
} from '@gimbal/tensor-core';
import { labelOf } from '../data/preference-pairs.ts';
import { checkedPreferences } from '../scoring/preference-fn.ts';
import { type Share, shareOf } from './intervals.ts';

/** A pair with its prompt; other columns go to the function as they are. */
export interface PairRow {
  /** '' where the answers are whole texts. */
  prompt: string;
  /** The better answer. */
  chosen: string;
  /** The worse answer. */
  rejected: string;
  /** P(chosen is the better one), as training takes it: below ½ `rejected` is, at ½ neither. Default 1. */
  label?: unknown;
  [column: string]: unknown;
}

/** What equal scores count: ½, 1 (WARM's definition, under which a constant reward is always right) or 0 (TRL's). */
export type Ties = 'half' | 'correct' | 'wrong';

/** How pairs are counted. */
export interface AccuracyOptions {
  /** What equal scores count (`half`). */
  ties?: Ties;
}

/**
 * The share of pairs that a reward ranks as labelled.
 * @throws DataError without pairs, or where the reward abstains, gives another number of scores or one that is no number, or
 * for a label outside [0, 1]; ConfigError for an unknown option
 */
export async function pairwiseAccuracy(
  fn: RewardFn,
  rows: readonly PairRow[],
  o: AccuracyOptions = {},
): Promise<Share> {
  return accuracyOfMargins(labelledMargins(await rewardMargins(fn, rows), rows), o);
}

/**
 * Margins of the answer that a row's label says is the better one: turned round below ½, and 0, a tie, at ½.
 * @param margins of chosen over rejected, one a row
 * @throws DataError, naming the pair, for a label that training would refuse too
 */
export function labelledMargins(margins: ArrayLike<number>, rows: readonly PairRow[]): number[] {
  return rows.map((row, i) => {
    const margin = margins[i] as number;
    const label = labelOf(row, `pair ${i}`);
    return label > 0.5 ? margin : label < 0.5 ? -margin : 0;
  });
}

/** r(chosen) − r(rejected) of each pair. @throws DataError as `pairwiseAccuracy`, naming the pair */
export async function rewardMargins(fn: RewardFn, rows: readonly PairRow[]): Promise<number[]> {
  if (rows.length === 0) throw new DataError({ where: 'pairs', what: 'there are none', wanted: 'at least one' });
  const prompts = rows.map((r) => r.prompt);
  const side = (name: 'chosen' | 'rejected'): Promise<(number | null)[]> =>
    checkedRewards(
      `of the ${name} answers`,
      fn,
      prompts,
      rows.map((r) => r[name]),
      rows,
    );
  const [chosen, rejected] = [await side('chosen'), await side('rejected')];
  return chosen.map((x, i) => {
    const y = rejected[i] ?? null;
    if (x !== null && y !== null) return x - y;
    throw new DataError({ where: `reward, pair ${i}`, what: 'the reward abstains', wanted: 'two numbers' });
  });
}

/** The share of margins above 0. @throws DataError where there are none, or for one that is no number */
export function accuracyOfMargins(margins: ArrayLike<number>, o: AccuracyOptions = {}): Share {
  checkKnown('accuracy', o, ['ties']);
  const { ties = 'half' } = o;
  const worth = { half: 0.5, correct: 1, wrong: 0 }[ties];
  if (worth === undefined) {
    throw new ConfigError({ where: 'ties', what: 'unknown', got: ties, wanted: 'half, correct or wrong' });
  }
  if (margins.length === 0) throw new DataError({ where: 'margins', what: 'there are none', wanted: 'at least one' });
  let hits = 0;
  for (let i = 0; i < margins.length; i++) {
    const margin = margins[i] as number;
    if (Number.isNaN(margin)) {
      throw new DataError({ where: `margin ${i}`, what: 'it is no number', got: 'NaN', wanted: 'a number' });
    }
    hits += margin > 0 ? 1 : margin === 0 ? worth : 0;
  }
  return shareOf(hits, margins.length);
}

/**
 * Accuracy in all and of each slice, with intervals.
 * @param slice the name of a row's slice: its source, its length, its noise
 * @returns `all`, then the slices by name
 * @throws DataError as `pairwiseAccuracy`, or for a slice that is named `all`, as the whole is
 */
export async function accuracyBySlice(
  fn: RewardFn,
  rows: readonly PairRow[],
  slice: (row: PairRow, index: number) => string,
  o: AccuracyOptions = {},
): Promise<Record<string, Share>> {
  const names = rows.map((row, i) => slice(row, i));
  const taken = names.indexOf('all');
  if (taken >= 0) {
    const what = 'a slice is named `all`, as the whole is';
    throw new DataError({ where: `slice of pair ${taken}`, what, fix: 'Give the slice another name' });
  }
  const margins = labelledMargins(await rewardMargins(fn, rows), rows);
  const parts = new Map<string, number[]>();
  names.forEach((name, i) => {
    parts.set(name, [...(parts.get(name) ?? []), margins[i] as number]);
  });
  const named = [...parts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, list]) => [name, accuracyOfMargins(list, o)]);
  return { all: accuracyOfMargins(margins, o), ...Object.fromEntries(named) };
}

/**
 * The share of pairs whose better answer a preference finds likelier than not.
 * @throws DataError without pairs, for another number of preferences, or one outside [0, 1]
 */
export async function preferenceAccuracy(
  fn: PreferenceFn,
  rows: readonly PairRow[],
  o: AccuracyOptions = {},
): Promise<Share> {
  if (rows.length === 0) throw new DataError({ where: 'pairs', what: 'there are none', wanted: 'at least one' });
  const found = await fn(
    rows.map((r) => r.prompt),
    rows.map((r) => r.chosen),
    rows.map((r) => r.rejected),
    rows,
  );
  const margins = checkedPreferences(found, rows.length).map((p) => p - 0.5);
  return accuracyOfMargins(labelledMargins(margins, rows), o);
}
