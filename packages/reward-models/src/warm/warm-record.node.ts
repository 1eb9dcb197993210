// `warm.json`, which lies in an average's folder and says what it is made of.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CheckpointError } from '@gimbal/tensor-core';
import type { Lineage } from './members.ts';

/** A member on disk. */
export interface MemberFolder {
  /** A model's folder; in `warm.json` as it lies from the average's, so that a run may be moved as a whole. */
  readonly folder: string;
  /** Where it comes from, as far as it is known. */
  readonly lineage?: Lineage;
  /** Accuracy on the selection pairs. */
  readonly selectionAccuracy?: number;
}

/** What `warm.json` says. */
export interface WarmRecord {
  /** The members, in the order of their weights. */
  readonly members: readonly (MemberFolder & { readonly weight: number })[];
  /** Which weights were used, and whether they were normalised. */
  readonly note: string;
  /** Members that are the same to the bit, which add no diversity; absent where there are none. */
  readonly warnings?: readonly string[];
}

/**
 * Reads `warm.json` of an average's folder.
 * @returns its members' folders as this process finds them
 * @throws CheckpointError naming the file where there is none, or it names no members
 */
export async function readWarmRecord(folder: string): Promise<WarmRecord> {
  const where = join(folder, 'warm.json');
  const text = await readFile(where, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'there is no average yet' : `the file cannot be read (${cause.code})`;
    throw new CheckpointError({ where, what, fix: 'Average the members', cause });
  });
  const fix = 'The file is damaged: average the members again';
  let record: Partial<WarmRecord> | null;
  try {
    record = JSON.parse(text) as Partial<WarmRecord> | null;
  } catch (cause) {
    throw new CheckpointError({ where, what: 'not JSON', fix, cause });
  }
  const members: readonly ({ folder?: unknown } | null)[] = Array.isArray(record?.members) ? record.members : [];
  if (members.length === 0 || members.some((member) => typeof member?.folder !== 'string')) {
    const wanted = '"members": [{ "folder": "…" }]';
    throw new CheckpointError({ where, what: 'it names no members', got: record?.members, wanted, fix });
  }
  const found = record as WarmRecord;
  return { ...found, members: found.members.map((m) => ({ ...m, folder: resolve(folder, m.folder) })) };
}
