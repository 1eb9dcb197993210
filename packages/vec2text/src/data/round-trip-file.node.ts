// Finished batches of round trips as a file of JSON lines: the settings first, then a line a batch. A line that a kill cut
// short is written again.
import { appendFile, readFile } from 'node:fs/promises';
import { checkConfig, writeFileAtomic } from '@gimbal/tensor-core';
import { refusal } from '../internal/refuse.ts';
import type { BuiltBatch, RoundTripCache } from './build-round-trips.ts';
import type { RoundTrip } from './round-trip.ts';

/**
 * Keeps the batches of `buildRoundTrips` in a file, from which a later build with the same settings goes on.
 * @throws CheckpointError from `load`, where the file is of other settings; the first that differs is named
 * @example buildRoundTrips(sentences, { pivots, seed: 0, cache: roundTripFile('rtt.jsonl') });
 */
export function roundTripFile(path: string): RoundTripCache {
  return {
    async load(settings) {
      const { first, batches } = await readLines(path);
      if (first !== undefined) checkConfig(first, settings, path);
      // what a kill cut short goes
      const lines = [settings, ...batches].map((line) => `${JSON.stringify(line)}\n`).join('');
      await writeFileAtomic(path, [new TextEncoder().encode(lines)]);
      return batches;
    },
    append: (batch) => appendFile(path, `${JSON.stringify(batch)}\n`),
  };
}

/** The rows of a file that `roundTripFile` wrote. */
export async function readRoundTrips(path: string): Promise<RoundTrip[]> {
  const { batches } = await readLines(path);
  if (batches.length === 0)
    throw refusal('NO_DATA', {
      where: path,
      what: 'the file holds no round trips',
      fix: 'Build them with buildRoundTrips',
    });
  const other = batches.findIndex((batch) => !Array.isArray(batch?.rows));
  if (other >= 0)
    throw refusal('ROUND_TRIP', {
      where: `${path}:${other + 2}`,
      what: 'the line is no batch of round trips',
      wanted: 'a file that roundTripFile wrote',
    });
  return batches.flatMap(({ rows }) => rows);
}

async function readLines(path: string): Promise<{ first?: object; batches: BuiltBatch[] }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { batches: [] };
    throw refusal('ROUND_TRIP', { where: path, what: 'the file cannot be read', cause });
  }
  // the last line is complete only with its line feed
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
  const parsed = lines.map((line, i) => {
    try {
      return JSON.parse(line) as object;
    } catch (cause) {
      throw refusal('ROUND_TRIP', {
        where: `${path}:${i + 1}`,
        what: 'no JSON',
        fix: 'Delete the line, and those after it',
        cause,
      });
    }
  });
  const [first, ...batches] = parsed;
  return first === undefined ? { batches: [] } : { first, batches: batches as BuiltBatch[] };
}
