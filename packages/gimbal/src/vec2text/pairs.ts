// Round trips that the user has: rows of source and rtt, or the file that an earlier run kept.
import { DataError } from '@gimbal/tensor-core';
import { parseLine, readText } from './open.ts';

/** A sentence and what came back of it. */
export interface Pair {
  source: string;
  rtt: string;
}

const isText = (x: unknown): x is string => typeof x === 'string' && x.trim() !== '';

/**
 * The round trips of a .jsonl: rows with `source` and `rtt`, or the `round-trips.jsonl` of a run.
 * @throws DataError naming the line
 */
export async function readPairs(file: string): Promise<Pair[]> {
  const pairs = (await readText(file, 'pairs')).split(/\r?\n/).flatMap((line, i): Pair[] => {
    if (line.trim() === '') return [];
    const row = parseLine(file, line, i);
    if (i === 0 && Array.isArray(row.pivots)) return []; // a run's own file begins with its settings
    return ((Array.isArray(row.rows) ? row.rows : [row]) as (Partial<Pair> | null)[]).map((pair) => {
      const { source, rtt } = pair ?? {};
      if (isText(source) && isText(rtt)) return { source, rtt };
      throw new DataError({
        where: `${file}:${i + 1}`,
        what: 'the row has no round trip',
        got: Object.keys(pair ?? {}).join(', '),
        wanted: 'source and rtt, both texts',
      });
    });
  });
  if (pairs.length === 0)
    throw new DataError({ where: file, what: 'the file has no round trip', wanted: 'rows of source and rtt' });
  return pairs;
}

/** Those whose sentence is not among the held-out ones, which are to stay unseen. @throws DataError where none is left */
export async function withoutHeld(
  pairs: readonly Pair[],
  held: readonly { text: string }[],
  file: string,
): Promise<Pair[]> {
  const { normalised } = await import('@gimbal/vec2text');
  const unseen = new Set(held.map(({ text }) => normalised(text)));
  const kept = pairs.filter(({ source }) => !unseen.has(normalised(source)));
  if (kept.length > 0) return kept;
  throw new DataError({ where: file, what: 'all round trips are of held-out sentences', got: pairs.length });
}
