// The pairs of words that a run's sentences have, kept with the run: what is valid is the same whoever measures its model.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@gimbal/tensor-core';

const name = 'word-pairs.txt';

/** A pair a line, into a run's folder. */
export const writeWordPairs = (run: string, pairs: ReadonlySet<string>): Promise<void> =>
  writeFileAtomic(join(run, name), `${[...pairs].join('\n')}\n`);

/** Those of a run; undefined where it has none, as of an earlier version, or a generated language. */
export async function readWordPairs(run: string): Promise<ReadonlySet<string> | undefined> {
  const text = await readFile(join(run, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return text === undefined ? undefined : new Set(text.split('\n').filter((pair) => pair !== ''));
}
