// Finished batches of round trips as a file of JSON lines: the settings first, then a line a batch. A line that a kill cut
// short is written again.
import { appendFile, readFile, stat } from 'node:fs/promises';
import { checkConfig, writeFileAtomic } from '@gimbal/tensor-core';
import { refusal } from '../internal/refuse.ts';
import type { RoundTripCache } from './build-round-trips.ts';
import { type BuiltBatch, checkBatch } from './built-batch.ts';
import type { RoundTrip } from './round-trip.ts';

/**
 * Keeps the batches of `buildRoundTrips` in a file, from which a later build with the same settings goes on. One build at a
 * time writes into it.
 * @throws CheckpointError from `load`, where the file is of other settings; the first that differs is named. DataError
 * (`ROUND_TRIP`) for a file that this never wrote, a damaged one, or, from `append`, one that another build writes into
 * @example buildRoundTrips(sentences, { pivots, seed: 0, cache: roundTripFile('rtt.jsonl') });
 */
export function roundTripFile(path: string): RoundTripCache {
  /** bytes that are there as far as this build knows */
  let size: number | undefined;
  const checkAlone = async (): Promise<void> => {
    if (size === undefined) return;
    const got = (await stat(path).catch(() => undefined))?.size;
    if (got === size) return;
    const what = 'another build writes into the file, or it was changed';
    throw refusal('ROUND_TRIP', {
      where: path,
      what,
      got,
      wanted: `${size} bytes`,
      fix: 'Give each build its own file',
    });
  };
  return {
    async load(settings) {
      const { first, batches } = await readLines(path);
      if (first !== undefined) checkConfig(first, settings, path);
      // two builds at once may have written a batch twice: of the same settings it is the same
      const kept: BuiltBatch[] = [];
      for (const batch of batches) if (batch.batch === kept.length) kept.push(batch);
      // what a kill cut short goes
      const bytes = new TextEncoder().encode([settings, ...kept].map((line) => `${JSON.stringify(line)}\n`).join(''));
      await writeFileAtomic(path, [bytes]).catch((cause: unknown) => {
        throw refusal('ROUND_TRIP', {
          where: path,
          what: 'the file cannot be written',
          fix: 'Is its folder there?',
          cause,
        });
      });
      size = bytes.length;
      return kept;
    },
    async append(batch) {
      await checkAlone();
      const line = `${JSON.stringify(batch)}\n`;
      await appendFile(path, line);
      if (size === undefined) return;
      size += Buffer.byteLength(line);
      await checkAlone();
    },
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
  return batches.flatMap(({ rows }) => rows);
}

const lineFeed = 10;

async function readLines(path: string): Promise<{ first?: object; batches: BuiltBatch[] }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { batches: [] };
    throw refusal('ROUND_TRIP', { where: path, what: 'the file cannot be read', cause });
  }
  // the last line is complete only with its line feed; the first one always is, in a file of ours
  const end = bytes.lastIndexOf(lineFeed) + 1;
  if (end === 0 && bytes.length > 0)
    throw refusal('ROUND_TRIP', {
      where: path,
      what: 'the file holds something else',
      wanted: 'a new file, or one that roundTripFile wrote',
    });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
  } catch (cause) {
    throw refusal('ROUND_TRIP', { where: path, what: 'the file is damaged: it is no UTF-8', cause });
  }
  const lines = text.split('\n').filter((line) => line !== '');
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
  for (const [i, batch] of batches.entries()) checkBatch(`${path}:${i + 2}`, batch);
  return first === undefined ? { batches: [] } : { first, batches: batches as BuiltBatch[] };
}
