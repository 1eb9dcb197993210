// `reward.json`, which says beside a model what its scores mean, read with every entry checked.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '@gimbal/tensor-core';
import type { PreferenceForm } from '../models/preference-model.ts';
import type { RewardStats } from '../scoring/reward-fn.ts';

/** What `reward.json` says beside the model. */
export interface RewardNotes {
  /** Fitted on held-out pairs, > 0: P(a ≻ b) = σ(margin / temperature). */
  temperature?: number;
  /** Of the scores, to standardise them with. */
  stats?: RewardStats;
  /** The models were trained on conversations: prompts and answers come from the chat template. */
  templated?: boolean;
}

/** The whole file. */
export type NotesFile = RewardNotes & { kind?: 'bradley-terry' | 'pairwise'; form?: PreferenceForm };

const isNumber = (x: unknown): boolean => typeof x === 'number' && Number.isFinite(x);
const isPositive = (x: unknown): boolean => isNumber(x) && (x as number) > 0;

/** What each entry may be, where it is there. */
const entries: readonly [path: string, good: (x: unknown) => boolean, wanted: string][] = [
  ['kind', (x) => x === 'bradley-terry' || x === 'pairwise', 'bradley-terry or pairwise'],
  ['form', (x) => x === 'antisymmetric' || x === 'skew-symmetric', 'antisymmetric or skew-symmetric'],
  ['temperature', isPositive, 'a number > 0'],
  ['templated', (x) => typeof x === 'boolean', 'true or false'],
  ['stats', isObject, '{ mean, std }'],
];

/**
 * Reads `reward.json` of a model's folder; empty where there is none.
 * @throws CheckpointError naming the file, and the entry that is none
 */
export async function readRewardNotes(folder: string): Promise<NotesFile> {
  const where = join(folder, 'reward.json');
  let text: string;
  try {
    text = await readFile(where, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw new CheckpointError({ where, what: `the file cannot be read (${code})`, cause });
  }
  const fix = 'The file is damaged: copy the folder again';
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new CheckpointError({ where, what: 'not JSON', fix, cause });
  }
  if (!isObject(json)) {
    throw new CheckpointError({ where, what: 'no object', got: json, wanted: '{ "kind": … }', fix });
  }
  const check = (key: string, got: unknown, good: boolean, wanted: string): void => {
    if (!good) throw new CheckpointError({ where, what: `${key} is out of range`, got, wanted, fix });
  };
  for (const [key, good, wanted] of entries) {
    const got = json[key];
    if (got !== undefined) check(key, got, good(got), wanted);
  }
  if (isObject(json.stats)) {
    check('stats.mean', json.stats.mean, isNumber(json.stats.mean), 'a finite number');
    check('stats.std', json.stats.std, isPositive(json.stats.std), 'a number > 0');
  }
  return json as NotesFile;
}

function isObject(x: unknown): x is Record<string, unknown> {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}
