/** A user's MJCF from a folder: the files it includes, and the meshes, textures and height fields it names. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { DataError } from '@gimbal/tensor-core';
import { type CompiledModel, compileMjcf } from './compile.ts';

/** largest folder that is read: more is a mistake (a home folder) rather than a robot */
const mostBytes = 512 * 2 ** 20;

/**
 * Loads an MJCF file with all files that lie in its folder and below and that it, or what it includes, names.
 * @throws DataError if it is missing or invalid, with MuJoCo's message, the file and the line
 * @example const model = await loadMjcf('robots/arm/scene.xml');
 */
export async function loadMjcf(path: string): Promise<CompiledModel> {
  const { mjcf, files } = await readMjcf(path);
  return compileMjcf(mjcf, { source: path, files });
}

/** The text, and the files of its folder that it names. @throws DataError if it cannot be read */
export async function readMjcf(path: string): Promise<{ mjcf: string; files: { [path: string]: Uint8Array } }> {
  const mjcf = await readFile(path, 'utf8').catch((cause) => {
    throw new DataError({
      where: 'loadMjcf',
      what: 'the model cannot be read',
      got: path,
      fix: String(cause.message),
      cause,
    });
  });
  const folder = dirname(path);
  const names = await namedFiles(folder, mjcf);
  const files: { [path: string]: Uint8Array } = {};
  let bytes = 0;
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || !names.has(file.name.toLowerCase())) continue;
    const full = join(file.parentPath, file.name);
    const content = await readFile(full);
    bytes += content.length;
    if (bytes > mostBytes) {
      throw new DataError({
        where: path,
        what: 'the files it names are too large',
        got: bytes,
        wanted: `at most ${mostBytes} bytes`,
      });
    }
    files[relative(folder, full).split(sep).join('/')] = content;
  }
  return { mjcf, files };
}

/** Base names of every `file="…"` in the model and, transitively, in the XML files of its folder that it names. */
async function namedFiles(folder: string, mjcf: string, seen = new Set<string>()): Promise<Set<string>> {
  for (const [, attribute] of mjcf.matchAll(/\bfile(?:right|up|left|down|front|back)?\s*=\s*"([^"]+)"/g)) {
    const name = basename((attribute as string).replaceAll('\\', '/')).toLowerCase();
    if (seen.has(name)) continue;
    seen.add(name);
    if (!name.endsWith('.xml')) continue;
    const included = await readFile(join(folder, attribute as string), 'utf8').catch(() => ''); // MuJoCo will name it
    await namedFiles(folder, included, seen);
  }
  return seen;
}
