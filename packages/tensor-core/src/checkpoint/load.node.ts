/**
 * Loads checkpoints: the newest (or best) one whose every byte is as it was written. Damaged and unfinished ones are
 * passed over, with a warning.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../errors.ts';
import { recoverReplaced } from '../io/atomic.node.ts';
import '../safetensors/file-source.node.ts';
import { readSafetensors } from '../safetensors/open.ts';
import { checkConfig } from './config-match.ts';
import type { CheckpointAbout, LoadedCheckpoint, LoadOptions } from './content.ts';
import { bestOf, type ListedCheckpoint, listCheckpoints } from './keep.node.ts';
import { damageOf, readManifest } from './manifest.node.ts';

/**
 * Loads a checkpoint.
 * @param from a folder of checkpoints, a run's folder with one, or a single checkpoint
 * @throws CheckpointError where no valid one is found (naming what is damaged), or it is from another configuration (the
 * option is named)
 */
export async function loadCheckpoint(from: string, o: LoadOptions = {}): Promise<LoadedCheckpoint> {
  const found = await findCheckpoint(from, o);
  if (found === undefined) {
    throw new CheckpointError({
      where: from,
      what: 'there is no valid checkpoint',
      fix: 'Name the folder of a run that saved one',
    });
  }
  const { path, step, loss, manifest } = found;
  const { state } = JSON.parse(await readFile(join(path, 'state.json'), 'utf8')) as { state: unknown };
  const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as unknown;
  if (o.config !== undefined) checkConfig(config, o.config, path);
  return {
    path,
    step,
    loss,
    state,
    config,
    version: manifest.about.version,
    trees: manifest.about.trees,
    tree: (name) => readSafetensors(join(path, `${name}.safetensors`)),
  };
}

/**
 * The path of the newest valid checkpoint; undefined if there is none.
 * @throws CheckpointError where there are some, and each is damaged
 */
export async function latestCheckpoint(from: string, warn?: (message: string) => void): Promise<string | undefined> {
  return (await findCheckpoint(from, { ...(warn && { warn }) }))?.path;
}

async function findCheckpoint(
  from: string,
  { which = 'latest', warn = () => {} }: LoadOptions,
): Promise<ListedCheckpoint | undefined> {
  await recoverReplaced(from);
  const single = await readManifest<CheckpointAbout>(from);
  if (single !== undefined) {
    const { step, loss } = single.about;
    const damage = await damageOf(from, single);
    if (damage === undefined) return { path: from, step, loss, manifest: single };
    throw damaged(from, damage, 'Use another one');
  }
  const inside = join(from, 'checkpoints');
  const folder = await stat(inside).then(
    () => inside,
    () => from,
  );
  const { checkpoints, incomplete } = await listCheckpoints(folder);
  for (const path of incomplete) warn(`${path}: passed over, it has no manifest (an unfinished or foreign folder)`);
  let newest: CheckpointError | undefined;
  let left = checkpoints;
  while (left.length > 0) {
    const next = (which === 'best' ? bestOf(left) : undefined) ?? (left[0] as ListedCheckpoint);
    const damage = await damageOf(next.path, next.manifest);
    if (damage === undefined) return next;
    warn(`${next.path}: passed over, ${damage}`);
    newest ??= damaged(next.path, damage, restore);
    left = left.filter((c) => c !== next);
  }
  if (newest !== undefined) throw newest;
  const unsealed = incomplete.at(-1);
  if (unsealed !== undefined) throw damaged(unsealed, 'it has no readable manifest.json', restore);
  return undefined;
}

const restore = 'No other one is whole: restore it from a copy, or begin anew in another folder';

const damaged = (where: string, damage: string, fix: string): CheckpointError =>
  new CheckpointError({ where, what: `the checkpoint is damaged: ${damage}`, fix });
