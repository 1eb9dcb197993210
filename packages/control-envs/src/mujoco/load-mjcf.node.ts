/** A user's MJCF from a folder: the files it includes, and the meshes, textures and height fields it names. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { DataError } from '@gimbal/tensor-core';
import { unescapeText } from '../mjcf/parse-xml.ts';
import { type CompiledModel, compileMjcf } from './compile.ts';

/** largest folder that is read: more is a mistake (a home folder) rather than a robot */
const mostBytes = 512 * 2 ** 20;

/**
 * Loads an MJCF file with all files that it, or what it includes, names: from its folder and below, or by a relative
 * path such as `meshdir="../meshes"`.
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
  const named = await namedFiles(folder, mjcf);
  const found = new Map<string, string>();
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = join(file.parentPath, file.name);
    if (named.names.has(file.name.toLowerCase()) && (await isFile(full))) found.set(keyOf(folder, full), full);
  }
  for (const full of named.paths) {
    const name = basename(full).toLowerCase();
    const isFound = [...found.values()].some((other) => basename(other).toLowerCase() === name);
    if (!isFound && (await isFile(full))) found.set(keyOf(folder, full), full);
  }
  const files: { [path: string]: Uint8Array } = {};
  let bytes = 0;
  for (const [key, full] of found) {
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
    files[key] = content;
  }
  return { mjcf, files };
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() ?? false;
const keyOf = (folder: string, full: string): string => relative(folder, full).split(sep).join('/');

/** What a model names. */
interface Named {
  /** base names, in small letters */
  names: Set<string>;
  /** where they would be by the model's own paths, and the folders that its compiler names */
  paths: Set<string>;
  /** those folders: what a model says of them holds for the texts that it includes */
  folders: Set<string>;
}

/** Every `file="…"` in the model and, transitively, in the XML files that it names. */
async function namedFiles(
  folder: string,
  mjcf: string,
  named: Named = { names: new Set(), paths: new Set(), folders: new Set(['']) },
): Promise<Named> {
  const values = (attribute: RegExp): string[] =>
    [...mjcf.matchAll(attribute)].map(([, double, single]) =>
      unescapeText(double ?? single ?? '').replaceAll('\\', '/'),
    );
  for (const one of values(/\b(?:mesh|texture|asset)dir\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) named.folders.add(one);
  for (const value of values(/\bfile(?:right|up|left|down|front|back)?\s*=\s*(?:"([^"]+)"|'([^']+)')/g)) {
    for (const one of named.folders) named.paths.add(join(folder, one, value));
    const name = basename(value).toLowerCase();
    if (named.names.has(name)) continue;
    named.names.add(name);
    if (!name.endsWith('.xml')) continue;
    const included = await readFile(join(folder, value), 'utf8').catch(() => ''); // MuJoCo will name it
    await namedFiles(folder, included, named);
  }
  return named;
}
