// Names for results by what they were made from.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { versionOf } from '../cli/version.ts';
import { undefinedIfAbsent } from './absent.ts';

/** JSON with sorted keys: equal values give equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}

/** sha-256 of a value, as 32 hex digits. */
export const hashValue = (value: unknown): string =>
  createHash('sha256').update(canonical(value)).digest('hex').slice(0, 32);

/** sha-256 of a file's bytes, or of all files of a folder with their names. */
export async function hashPath(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return await hashFile(path);
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return hashValue(await Promise.all(names.map(async (name) => [name.slice(path.length), await hashFile(name)])));
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex').slice(0, 32);
}

const require = createRequire(import.meta.url);
const native = '@gimbal/tensor-native';

/** Names of the packages whose code computes: this one, and those of the house that it stands on, where installed. */
export function computingPackages(): string[] {
  const own = require('gimbal/package.json') as { [kind: string]: { [name: string]: string } | undefined };
  const names = Object.keys({ ...own.dependencies, ...own.optionalDependencies });
  const ours = names.filter((name) => name.startsWith('@gimbal/') && versionOf(name) !== undefined);
  return ['gimbal', ...ours].sort();
}

let code: Promise<string> | undefined;

/**
 * Versions of the packages that compute a stage and, between releases, a hash of their built code, the native binary
 * included: a result made by other code is not taken for one of this code.
 */
export function codeVersion(): Promise<string> {
  code ??= (async () =>
    hashValue(
      await Promise.all(computingPackages().map(async (name) => [name, versionOf(name), await built(name)])),
    ))();
  return code;
}

async function built(name: string): Promise<string[]> {
  const scripts = await scriptsOf(join(folderOf(name), 'dist'));
  const paths = [...scripts, ...(name === native ? nativeBinaries() : [])];
  return await Promise.all(
    paths.map(async (path) =>
      createHash('sha256')
        .update(await readFile(path))
        .digest('base64'),
    ),
  );
}

/** The scripts in a folder of built code, in order; none where it is not there, as before the first build. */
export async function scriptsOf(dist: string): Promise<string[]> {
  const files = (await readdir(dist, { recursive: true }).catch(undefinedIfAbsent)) ?? [];
  const scripts = files.filter((file) => file.endsWith('.js')).sort();
  return scripts.map((file) => join(dist, file));
}

const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`));

/** The files that tensor-native may load here: of the platform's own packages, and what was built in its folder. */
export function nativeBinaries(): string[] {
  if (versionOf(native) === undefined) return [];
  const platform = `${process.platform}-${process.arch}`;
  const fromNative = createRequire(join(folderOf(native), 'package.json'));
  const candidates = [`${native}-${platform}`, `${native}-${platform}-musl`].flatMap((name) => {
    try {
      return [fromNative.resolve(name)];
    } catch {
      return []; // not installed
    }
  });
  candidates.push(join(folderOf(native), 'prebuilds', platform, 'tensor-native.node'));
  return candidates.filter((path) => existsSync(path));
}
