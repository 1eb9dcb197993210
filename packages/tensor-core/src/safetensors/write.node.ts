/**
 * Writing safetensors files, atomically and one tensor at a time, in one piece or in shards with an index.
 */
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { writeFileAtomic } from '../io/atomic.node.ts';
import { type FileSystem, nodeFileSystem } from '../io/file-system.node.ts';
import { makeFolder } from '../io/make-folder.node.ts';
import type { Params } from '../tree/params.ts';
import { dtypeBytes } from './dtype.ts';
import { type EncodeOptions, tensorsToWrite } from './encode.ts';
import { defaultMetadata, fileChunks, layout, sortForFile, type TensorToWrite, tensorBytes } from './layout.ts';
import { shardName, weightIndexText } from './weight-index.ts';

/** How a file is written. */
export interface WriteOptions extends EncodeOptions {
  /** what it writes with; default Node's file system */
  fs?: FileSystem;
}

/** How weights are divided into files. */
export interface ShardOptions extends WriteOptions {
  /** a shard's tensors hold at most so many bytes (a larger tensor stands alone); default 2 GiB */
  maxShardBytes?: number;
  /** file names start with it; default 'model' */
  stem?: string;
}

/**
 * Writes one safetensors file; an existing one is replaced when the new one is complete.
 * @param path its folder is created if need be
 * @param tensors a tree (not disposed), or tensors whose bytes are produced when their turn comes
 * @throws CheckpointError for a full disk or a missing permission; the old file is untouched
 */
export async function writeSafetensors(
  path: string,
  tensors: Params | readonly TensorToWrite[],
  options: WriteOptions = {},
): Promise<void> {
  const file = layout(toWrite(tensors, options), options.metadata ?? defaultMetadata);
  await makeFolder(dirname(path));
  await writeFileAtomic(path, fileChunks(file), options.fs ?? nodeFileSystem);
}

/**
 * Writes `model.safetensors`, or, beyond `maxShardBytes`, shards and `model.safetensors.index.json`, into a folder.
 * The index is written last, and weights of another kind in the folder are removed after it. To replace a model that
 * must survive a kill in between, write into a new folder and rename that (`writeDirectoryAtomic`).
 * @returns the names of the files written
 */
export async function writeShardedSafetensors(
  folder: string,
  tensors: Params | readonly TensorToWrite[],
  options: ShardOptions = {},
): Promise<string[]> {
  const { maxShardBytes = 2 ** 31, stem = 'model', metadata = defaultMetadata, fs = nodeFileSystem } = options;
  if (!(maxShardBytes > 0)) {
    throw new ConfigError({
      where: 'maxShardBytes',
      what: 'no such size',
      got: maxShardBytes,
      wanted: 'a positive number of bytes',
    });
  }
  const all = toWrite(tensors, options);
  const shards = split(all, maxShardBytes);
  await makeFolder(folder);
  const single = `${stem}.safetensors`;
  const names = shards.length === 1 ? [single] : shards.map((_, i) => shardName(i + 1, shards.length, stem));
  const written: string[] = [...names];
  for (const [i, shard] of shards.entries()) {
    await writeFileAtomic(join(folder, names[i] as string), fileChunks(layout(shard, metadata)), fs);
  }
  if (shards.length > 1) {
    const index = new Map(shards.flatMap((shard, i) => shard.map((t) => [t.name, names[i] as string] as const)));
    const bytes = all.reduce((n, t) => n + tensorBytes(t), 0);
    const parameters = all.reduce((n, t) => n + tensorBytes(t) / dtypeBytes[t.dtype], 0);
    const name = `${single}.index.json`;
    await writeFileAtomic(join(folder, name), weightIndexText(index, bytes, parameters), fs);
    written.push(name);
  }
  await removeOthers(folder, stem, written);
  return written;
}

const toWrite = (tensors: Params | readonly TensorToWrite[], options: EncodeOptions): readonly TensorToWrite[] =>
  Array.isArray(tensors) ? (tensors as readonly TensorToWrite[]) : tensorsToWrite(tensors as Params, options);

/** Fills shards in the order given, as transformers does; always at least one. */
function split(tensors: readonly TensorToWrite[], limit: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [[]];
  let bytes = 0;
  for (const t of tensors) {
    const size = tensorBytes(t);
    if (bytes > 0 && bytes + size > limit) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)?.push(t);
    bytes += size;
  }
  return shards.map(sortForFile);
}

/** Weights of the same stem that an earlier save left and this one did not write: a reader might prefer them. */
async function removeOthers(folder: string, stem: string, written: readonly string[]): Promise<void> {
  const escaped = stem.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const ours = new RegExp(`^${escaped}(?:-\\d{5}-of-\\d{5})?\\.safetensors(?:\\.index\\.json)?$`);
  for (const name of await readdir(folder))
    if (ours.test(name) && !written.includes(name)) await rm(join(folder, name));
}
