/**
 * Which checkpoints stay: the latest few and the best one. The best is found from the manifests alone, so it survives
 * a resume; it is never removed by newer ones that are not better, and NaN is never best.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeAtomic, removeLeftovers } from '../io/atomic.node.ts';
import type { FileSystem } from '../io/file-system.node.ts';
import type { CheckpointAbout, KeepRule } from './content.ts';
import { type Manifest, readManifest } from './manifest.node.ts';

/** A checkpoint that has a manifest; its files are not verified. */
export interface ListedCheckpoint {
  /** Its folder. */
  readonly path: string;
  /** Updates done when it was saved. */
  readonly step: number;
  /** evaluation loss; null if there was none, or it was not finite */
  readonly loss: number | null;
  /** Its manifest: every file with size and checksum, and what it is about. */
  readonly manifest: Manifest<CheckpointAbout>;
}

/** The checkpoints of a folder, newest first, and what looks like one but has no readable manifest. */
export async function listCheckpoints(
  folder: string,
): Promise<{ checkpoints: ListedCheckpoint[]; incomplete: string[] }> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  });
  const checkpoints: ListedCheckpoint[] = [];
  const incomplete: string[] = [];
  for (const name of names.filter((n) => /^step-\d+$/.test(n)).sort()) {
    const path = join(folder, name);
    const manifest = await readManifest<CheckpointAbout>(path);
    if (manifest === undefined) incomplete.push(path);
    else checkpoints.push({ path, step: manifest.about.step, loss: manifest.about.loss, manifest });
  }
  return { checkpoints: checkpoints.sort((a, b) => b.step - a.step), incomplete };
}

/** The one with the lowest loss; of equal ones the oldest. */
export function bestOf<C extends { readonly step: number; readonly loss: number | null }>(
  checkpoints: readonly C[],
): C | undefined {
  let best: C | undefined;
  for (const c of checkpoints) {
    if (c.loss === null) continue;
    if (best === undefined || c.loss < (best.loss as number) || (c.loss === best.loss && c.step < best.step)) best = c;
  }
  return best;
}

/** Removes what the rule does not keep. A checkpoint disappears at once: it is renamed before its files go. What killed saves left goes too. */
export async function prune(folder: string, { latest = 1, best = true }: KeepRule, fs: FileSystem): Promise<void> {
  const { checkpoints } = await listCheckpoints(folder);
  const keep = new Set(checkpoints.slice(0, Math.max(latest, 1)).map((c) => c.path));
  const chosen = best ? bestOf(checkpoints) : undefined;
  if (chosen !== undefined) keep.add(chosen.path);
  for (const { path } of checkpoints) if (!keep.has(path)) await removeAtomic(path, fs);
  await removeLeftovers(folder, fs);
}
