/**
 * Opens safetensors: only the header is read; tensors follow when asked for.
 */
import { CheckpointError, kindOf } from '../errors.ts';
import type { Params } from '../tree/params.ts';
import { type Header, headerLength, parseHeader } from './header.ts';
import { type ByteSource, isAddress, openSource, type SourceLike, urlSource } from './source.ts';
import { WeightFile } from './weight-file.ts';
import { parseWeightIndex } from './weight-index.ts';

/** Opens paths; Node's part of the package sets it (file-source.node.ts), a page has none. */
let openPath: ((path: string) => Promise<WeightFile>) | undefined;

export function registerPathOpener(opener: (path: string) => Promise<WeightFile>): void {
  openPath = opener;
}

/**
 * Opens a safetensors file, or the shards behind a `model.safetensors.index.json`.
 * @param from bytes, a Blob, an address, or, in Node, a path of a file, an index or a folder with either
 * @returns tensors by name, read when asked for; the caller closes it
 * @throws CheckpointError for anything the format forbids, naming the tensor and its offsets
 * @example
 * const file = await openSafetensors('model.safetensors');
 * const weight = await file.tensor('lm_head.weight');
 */
export async function openSafetensors(from: SourceLike): Promise<WeightFile> {
  if (typeof from !== 'string') {
    refuseNoSource(from);
    return 'href' in from ? openAddress(from.href) : fromSource(await openSource(from));
  }
  if (isAddress(from)) return openAddress(from);
  if (openPath === undefined) {
    throw new CheckpointError({
      where: 'openSafetensors',
      what: 'a page has no paths',
      got: from,
      wanted: 'an address, a Blob or bytes',
    });
  }
  return openPath(from);
}

const sourceForms = ['href', 'read', 'byteLength', 'arrayBuffer'];

function refuseNoSource(from: unknown): void {
  if (typeof from === 'object' && from !== null && sourceForms.some((name) => name in from)) return;
  throw new CheckpointError({
    where: 'openSafetensors',
    what: 'this is nothing to read from',
    got: kindOf(from),
    wanted: 'a path, an address, bytes or a Blob',
  });
}

/**
 * Reads all tensors into a tree by their dotted names.
 * @returns tensors that the caller disposes
 */
export async function readSafetensors(from: SourceLike): Promise<Params> {
  const file = await openSafetensors(from);
  try {
    return await file.params();
  } finally {
    await file.close();
  }
}

/** Reads and checks the header of a source; closes the source when it is refused. */
export async function fromSource(source: ByteSource): Promise<WeightFile> {
  try {
    const { tensors, metadata } = await readHeader(source);
    const places = new Map([...tensors].map(([name, entry]) => [name, { entry, source }] as const));
    return new WeightFile(source.name, places, metadata);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(source: ByteSource): Promise<Header> {
  const prefix = await source.read(0, Math.min(8, source.size));
  const length = headerLength(prefix, source.size, source.name);
  return parseHeader(await source.read(8, 8 + length), source.size, source.name);
}

/**
 * Opens the shards of an index.
 * @param text the JSON of `model.safetensors.index.json`
 * @param open a source for a shard's bare file name
 * @throws CheckpointError when a shard is missing, or a tensor is not in the shard that the index names
 */
export async function fromIndex(
  text: string,
  where: string,
  open: (file: string) => Promise<ByteSource>,
): Promise<WeightFile> {
  const index = parseWeightIndex(text, where);
  const shards = new Map<string, WeightFile>();
  const sources = new Map<string, ByteSource>();
  try {
    for (const file of new Set(index.values())) {
      const source = await open(file);
      sources.set(file, source);
      shards.set(file, await fromSource(source));
    }
    const places = new Map(
      [...index].map(([name, file]) => {
        const source = sources.get(file) as ByteSource;
        const shard = shards.get(file) as WeightFile;
        if (!shard.has(name)) {
          throw new CheckpointError({
            where,
            what: `tensor ${JSON.stringify(name)} is not in the shard it is mapped to`,
            got: file,
          });
        }
        return [name, { entry: shard.entry(name), source }] as const;
      }),
    );
    const warnings = [...shards].flatMap(([file, shard]) => {
      const extra = shard.names.filter((name) => index.get(name) !== file);
      return extra.length === 0
        ? []
        : [
            `${where}: ${file} holds ${extra.length} tensors that the index does not list there: ${extra.slice(0, 5).join(', ')}`,
          ];
    });
    return new WeightFile(where, places, [...shards.values()][0]?.metadata ?? {}, warnings);
  } catch (error) {
    for (const source of sources.values()) await source.close();
    throw error;
  }
}

async function openAddress(address: string): Promise<WeightFile> {
  if (!/\.json(?:[?#]|$)/.test(address)) return fromSource(await urlSource(address));
  const response = await fetch(address);
  if (!response.ok) {
    throw new CheckpointError({ where: address, what: 'the server refused', got: response.status, wanted: '200' });
  }
  return fromIndex(await response.text(), address, (file) => urlSource(new URL(file, address).href));
}
