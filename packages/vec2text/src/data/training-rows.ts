// Sentences with their round trips, as a trainer takes them, and as tokens.
import type { OverflowReport, Tokenizer } from '@gimbal/language-models';
import { refusal } from '../internal/refuse.ts';
import type { Vec2TextConfig } from '../model/config.ts';
import { beginningOf, plainTokens } from '../text/text-rows.ts';
import type { RoundTrip } from './round-trip.ts';

/** A sentence, and what came back of it. */
export interface TrainingRow {
  /** The sentence as it is. */
  readonly source: string;
  /** Its round trips, if there are any: one is drawn each time. */
  readonly candidates?: readonly string[];
}

/** A sentence in tokens, EOS included. */
export interface TokenRow {
  /** As text: what it was, or where it was cut what is left. */
  readonly text: string;
  readonly source: Int32Array;
  readonly candidates: readonly Int32Array[];
}

/**
 * Round trips by sentence, in the order in which sentences first came.
 * @param data of `buildRoundTrips`, or a file of them
 * @throws DataError (`ROUND_TRIP`) for a row without its two texts
 */
export async function gatherRoundTrips(
  data: AsyncIterable<Pick<RoundTrip, 'source' | 'rtt'>> | Iterable<Pick<RoundTrip, 'source' | 'rtt'>>,
): Promise<TrainingRow[]> {
  const rows = new Map<string, string[]>();
  for await (const row of data) {
    const { source, rtt } = row ?? {};
    if (typeof source !== 'string' || typeof rtt !== 'string')
      throw refusal('ROUND_TRIP', {
        where: 'gatherRoundTrips',
        what: 'no round trip',
        got: row,
        wanted: 'texts source and rtt',
      });
    const known = rows.get(source);
    if (known === undefined) rows.set(source, [rtt]);
    else known.push(rtt);
  }
  return Array.from(rows, ([source, candidates]) => ({ source, candidates }));
}

/** What becomes of texts longer than the model. */
export type Overflow = (typeof overflows)[number];

export const overflows = ['drop', 'cut', 'error'] as const;

/**
 * Rows as tokens. A row whose sentence is too long is left out, cut or refused; so is a round trip that is too long, and with
 * the last one its row is left out, too.
 * @throws DataError: `EMPTY_TEXT`, `UNKNOWN_TOKEN`, `TOO_LONG` where overflow is `error`, `NO_DATA` where no row is left
 */
export function tokenRows(
  where: string,
  data: readonly (TrainingRow | string)[],
  tokenizer: Tokenizer,
  c: Pick<Vec2TextConfig, 'eosId' | 'maxLength'>,
  overflow: Overflow,
): { rows: TokenRow[]; overflow: OverflowReport } {
  const rows: TokenRow[] = [];
  const long: string[] = [];
  let lost = 0;
  /** undefined: left out */
  const fit = (at: string, text: string): Int32Array | undefined => {
    const ids = plainTokens(at, tokenizer, text);
    const over = ids.length + 1 - c.maxLength;
    if (over > 0) {
      long.push(at);
      if (overflow === 'error') {
        const wanted = `at most ${c.maxLength - 1} tokens`;
        const what = `${beginningOf(text)} is longer than the model`;
        throw refusal('TOO_LONG', { where: at, what, got: ids.length, wanted });
      }
      lost += overflow === 'cut' ? over : ids.length;
      if (overflow === 'drop') return undefined;
    }
    return Int32Array.of(...Array.from(ids).slice(0, c.maxLength - 1), c.eosId);
  };
  if (!Array.isArray(data)) throw refusal('NO_DATA', { where, what: 'the rows are no list', got: typeof data });
  data.forEach((row: TrainingRow | string, i) => {
    const trips = typeof row === 'string' ? [] : row?.candidates;
    if (row == null || (trips !== undefined && !Array.isArray(trips)))
      throw refusal('EMPTY_TEXT', {
        where: `${where} row ${i}`,
        what: 'no row',
        got: row,
        wanted: 'a text, or { source, candidates: texts }',
      });
    const { source, candidates = [] } = typeof row === 'string' ? { source: row } : row;
    const before = long.length;
    const ids = fit(`${where} row ${i}`, source);
    if (ids === undefined) return;
    const text = long.length > before ? tokenizer.decodeIds(ids.subarray(0, -1)) : source;
    const fitting = candidates
      .map((text, j) => fit(`${where} row ${i}, round trip ${j}`, text))
      .filter((trip) => trip !== undefined);
    if (candidates.length > 0 && fitting.length === 0) return;
    rows.push({ text, source: ids, candidates: fitting });
  });
  if (rows.length === 0) {
    const what = data.length === 0 ? 'there are no rows' : `all ${data.length} rows are too long`;
    throw refusal('NO_DATA', { where, what, wanted: `texts of at most ${c.maxLength - 1} tokens` });
  }
  return { rows, overflow: { rows: long.length, tokens: lost, where: long.slice(0, 10) } };
}
