/**
 * Saves checkpoints: one folder per step, complete or absent. Layout of `step-00000100/`:
 *
 *   params.safetensors, optimizer.safetensors, …   one file per tree
 *   state.json                                     step, random streams, data position, history
 *   config.json                                    what the run was configured with
 *   …                                              what `extra` wrote: a folder that Python can load, for example
 *   manifest.json                                  sizes and SHA-256 of all of them, written last
 */
import { join } from 'node:path';
import { writeDirectoryAtomic, writeFileDurable } from '../io/atomic.node.ts';
import { type FileSystem, nodeFileSystem } from '../io/file-system.node.ts';
import { writeSafetensors } from '../safetensors/write.node.ts';
import { asJson } from './config-match.ts';
import type { CheckpointAbout, CheckpointContent, KeepRule } from './content.ts';
import { prune } from './keep.node.ts';
import { sealDirectory } from './manifest.node.ts';

/** How a checkpoint is saved. */
export interface SaveOptions {
  /** writes further files into the folder before it is sealed */
  extra?: (folder: string) => Promise<void>;
  /** which older checkpoints stay; default the latest and the best */
  keep?: KeepRule;
  /** What it writes with (Node's file system): tests let single calls fail. */
  fs?: FileSystem;
}

/** step-00000100 */
const checkpointName = (step: number): string => `step-${String(step).padStart(8, '0')}`;

/**
 * Saves a checkpoint into a folder of checkpoints, then removes those that the rule does not keep.
 * @param folder the run's `checkpoints` folder, created if need be
 * @returns the path of the checkpoint
 * @throws CheckpointError for a full disk or a missing permission; what was there before is untouched
 */
export async function saveCheckpoint(folder: string, content: CheckpointContent, o: SaveOptions = {}): Promise<string> {
  const path = join(folder, checkpointName(content.step));
  await writeCheckpoint(path, content, o);
  await prune(folder, o.keep ?? {}, o.fs ?? nodeFileSystem);
  return path;
}

/** Saves one checkpoint at exactly this path, replacing what is there once the new one is complete. */
export async function writeCheckpoint(path: string, content: CheckpointContent, o: SaveOptions = {}): Promise<void> {
  const { fs = nodeFileSystem } = o;
  const { step, loss, trees, state, config, version } = content;
  const fill = async (folder: string): Promise<void> => {
    for (const [name, tree] of Object.entries(trees))
      await writeSafetensors(join(folder, `${name}.safetensors`), tree, { fs });
    await writeFileDurable(join(folder, 'state.json'), JSON.stringify({ step, state: state ?? null }), fs);
    await writeFileDurable(join(folder, 'config.json'), `${JSON.stringify(asJson(config), null, 2)}\n`, fs);
    await o.extra?.(folder);
    const about: CheckpointAbout = {
      step,
      loss: loss !== undefined && Number.isFinite(loss) ? loss : null,
      trees: Object.keys(trees),
      version,
    };
    await sealDirectory(folder, about, fs);
  };
  await writeDirectoryAtomic(path, fill, fs, { replace: true });
}
