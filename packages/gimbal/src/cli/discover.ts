// Commands, stages, bench suites and claims are files found by listing a folder when they are asked for: packages built
// side by side add files and never meet in one. src/ and dist/ have the same shape.
import { readdir } from 'node:fs/promises';

/**
 * Names of the files in a folder below `root`, without extension, sorted; empty if there is no such folder.
 * Declarations, source maps and tests beside the code are left out.
 */
export async function listModules(root: URL, folder: string): Promise<string[]> {
  const entries = await names(new URL(`${folder}/`, root));
  const modules = entries.filter((name) => /^[a-z0-9][a-z0-9-]*\.(ts|js)$/i.test(name));
  return [...new Set(modules.map((name) => name.replace(/\.(ts|js)$/, '')))].sort(naturally);
}

/** C2 before C10. */
const naturally = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** Names of the folders in a folder below `root`. */
export async function listFolders(root: URL, folder: string): Promise<string[]> {
  const entries = await readdir(new URL(`${folder}/`, root), { withFileTypes: true }).catch(absent);
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== 'internal')
    .map((entry) => entry.name)
    .sort();
}

/** Load one of them. */
export async function loadModule<T>(root: URL, folder: string, name: string): Promise<T> {
  const entries = await names(new URL(`${folder}/`, root));
  const file = entries.includes(`${name}.js`) ? `${name}.js` : `${name}.ts`;
  return (await import(new URL(`${folder}/${file}`, root).href)) as T;
}

const names = async (folder: URL): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(absent)).filter((e) => e.isFile()).map((e) => e.name);

/** A folder that is not there holds nothing: no claim may have been written yet. */
function absent(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
