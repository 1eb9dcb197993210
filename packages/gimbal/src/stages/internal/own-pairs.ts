// Pairs of the user's own, in parts that no two of share a prompt: what reward models learn from, what a second reward that
// is never optimised learns from, what members are ranked on, and what all are tested on.
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, DataError, type Rng, writeFileDurable } from '@gimbal/tensor-core';
import { fewestPairs } from '../../reward/few-pairs.ts';

export interface OwnPair {
  prompt: string;
  chosen: string;
  rejected: string;
  [column: string]: unknown;
}

export interface OwnPairs {
  /** reward models learn from them */
  train: OwnPair[];
  /** the control reward learns from them */
  control: OwnPair[];
  /** members are ranked on them */
  selection: OwnPair[];
  test: OwnPair[];
}

const where = 'gimbal align --preferences';
const mostTests = 256;

/** @throws ConfigError or DataError naming the row, for a file that cannot be used; nothing has been made then */
export async function readOwnPairs(
  file: string,
  columns: Readonly<Record<string, string>> | undefined,
): Promise<OwnPair[]> {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    const what = 'this is a folder; a file of pairs is wanted';
    throw new ConfigError({ where, what, got: file, fix: 'Name a file in it' });
  }
  const { readRows } = await import('@gimbal/language-models');
  const { pairTexts } = await import('@gimbal/reward-models');
  const data = await readRows(file, { ...(columns && { columns }), usable: ['preference'] }).catch((error) => {
    const { code, where, what, got, wanted, fix } = error as Partial<DataError>;
    if (code !== 'ERR_DATA' || !fix?.includes('--columns')) throw error;
    // --columns of align is of the rows of --data
    const mended = fix.replaceAll('--columns', '--preference-columns');
    throw new DataError({ where: `${where}`, what: `${what}`, got, wanted, fix: mended, cause: error });
  });
  if (data.kind !== 'preference') {
    const fix = 'Name the columns: --preference-columns prompt=question,chosen=better,rejected=worse';
    const wanted = 'prompt, chosen, rejected';
    throw new DataError({ where: file, what: 'these rows are no pairs', got: data.kind, wanted, fix });
  }
  const { rows } = pairTexts(data);
  if (rows.length < fewestPairs) {
    const wanted = `at least ${fewestPairs}`;
    const fix = 'Label more pairs: a tenth is set aside to rank reward models, a tenth to test them';
    throw new DataError({
      where: file,
      what: 'too few pairs to learn from and to test on',
      got: rows.length,
      wanted,
      fix,
    });
  }
  return rows.map(({ row, chosen, rejected }) => ({ ...row, chosen, rejected }));
}

/** A tenth to test, a tenth to select, a quarter of the others for the control; at least one pair in each. */
export function splitOwnPairs(pairs: readonly OwnPair[], stream: Rng): OwnPairs {
  const byPrompt = new Map<string, OwnPair[]>();
  for (const pair of pairs) byPrompt.set(pair.prompt, [...(byPrompt.get(pair.prompt) ?? []), pair]);
  // of very few prompts the pairs themselves are dealt: a prompt is then in several parts
  const groups = byPrompt.size >= 8 ? [...byPrompt.values()] : pairs.map((pair) => [pair]);
  const few = Math.max(1, Math.min(mostTests, Math.floor(pairs.length / 10)));
  const parts: OwnPairs = { train: [], control: [], selection: [], test: [] };
  const third = Math.max(1, Math.floor((pairs.length - 2 * few) / 4));
  for (const group of stream.shuffle(groups)) {
    const part =
      parts.test.length < few
        ? parts.test
        : parts.selection.length < few
          ? parts.selection
          : parts.control.length < third
            ? parts.control
            : parts.train;
    part.push(...group);
  }
  const empty = (Object.keys(parts) as (keyof OwnPairs)[]).find((name) => parts[name].length === 0);
  if (empty === undefined) return parts;
  const what = 'most pairs are of one prompt, so that none is left to learn from';
  throw new DataError({ where, what, got: `${byPrompt.size} prompts`, fix: 'Add pairs of other prompts' });
}

const file = (dir: string): string => join(dir, 'own-pairs.json');

/** Keeps them in a stage's folder. */
export async function storeOwnPairs(dir: string, pairs: OwnPairs): Promise<void> {
  await writeFileDurable(file(dir), `${JSON.stringify(pairs)}\n`);
}

export const storedOwnPairs = async (dir: string): Promise<OwnPairs> =>
  JSON.parse(await readFile(file(dir), 'utf8')) as OwnPairs;
