// Files out of a tarball as npm packs it: gzip, plain files, names that start with `package/`.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DataError } from '@gimbal/tensor-core';

const block = 512;

/** Unpacks a tarball into a folder. @throws DataError for a name that leads out of it */
export async function untar(tarball: string, folder: string): Promise<void> {
  const data = gunzipSync(await readFile(tarball));
  const text = (at: number, length: number): string => data.toString('utf8', at, at + length).replace(/\0.*$/s, '');
  let longName: string | undefined;
  for (let at = 0; at + block <= data.length && data[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim() || '0', 8);
    const type = text(at + 156, 1);
    const content = data.subarray(at + block, at + block + size);
    const prefix = text(at + 345, 155);
    const name: string = longName ?? (prefix === '' ? text(at, 100) : `${prefix}/${text(at, 100)}`);
    longName = type === 'x' ? /\d+ path=(.*)\n/.exec(content.toString('utf8'))?.[1] : undefined;
    if (type === '0' || type === '') await write(folder, name, content, tarball);
    at += block + Math.ceil(size / block) * block;
  }
}

async function write(folder: string, name: string, content: Uint8Array, tarball: string): Promise<void> {
  const path = normalize(name.replace(/^[^/]+\//, ''));
  if (path.startsWith('..') || path.startsWith('/')) {
    throw new DataError({ where: tarball, what: 'a file in it would lie outside of the folder', got: name });
  }
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}
