/**
 * Reading safetensors from paths: ranged reads of a file, a folder with one file or with shards and their index.
 * Loading this module lets `openSafetensors` take paths.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointError } from '../errors.ts';
import { fromIndex, fromSource, registerPathOpener } from './open.ts';
import type { ByteSource } from './source.ts';
import type { WeightFile } from './weight-file.ts';

/** The largest index that is read. */
const maxIndexBytes = 100_000_000;

/** A file, read by ranges. The caller closes it. */
export async function fileSource(path: string): Promise<ByteSource> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const { size } = await file.stat();
  let closed = false;
  return {
    name: path,
    size,
    async read(start, end, into) {
      const bytes = into?.subarray(0, end - start) ?? new Uint8Array(end - start);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 1 << 30), start + at);
        if (bytesRead === 0) {
          throw new CheckpointError({
            where: path,
            what: 'the file became shorter while it was read',
            got: `${start + at} bytes`,
            wanted: `${end}`,
          });
        }
        at += bytesRead;
      }
      return bytes;
    },
    async close() {
      if (!closed) await file.close();
      closed = true;
    },
  };
}

/**
 * Opens a `.safetensors` file, an index, or a folder with `model.safetensors` or `model.safetensors.index.json` (or the
 * adapter's names of PEFT).
 */
async function openPath(path: string): Promise<WeightFile> {
  const info = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (info.isDirectory()) return openPath(join(path, await weightsIn(path)));
  if (!path.endsWith('.json')) return fromSource(await fileSource(path));
  if (info.size > maxIndexBytes) {
    throw new CheckpointError({
      where: path,
      what: 'the index is too long',
      got: info.size,
      wanted: `at most ${maxIndexBytes} bytes`,
    });
  }
  return fromIndex(await readFile(path, 'utf8'), path, (file) => fileSource(join(dirname(path), file)));
}

const candidates = ['model.safetensors', 'model.safetensors.index.json', 'adapter_model.safetensors'];

async function weightsIn(folder: string): Promise<string> {
  for (const name of candidates) {
    if (
      await stat(join(folder, name)).then(
        () => true,
        () => false,
      )
    )
      return name;
  }
  throw new CheckpointError({
    where: folder,
    what: 'no weights in this folder',
    wanted: candidates.join(' or '),
    fix: 'Pickled weights (pytorch_model.bin) can run code and are not read: save them as safetensors from Python once',
  });
}

function unreadable(path: string, error: unknown): unknown {
  const code = (error as { code?: string }).code;
  if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR' && code !== 'ENOTDIR') return error;
  return new CheckpointError({
    where: path,
    what: code === 'EACCES' ? 'no permission to read' : 'no such file',
    cause: error,
  });
}

registerPathOpener(openPath);
