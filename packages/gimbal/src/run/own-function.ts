// A function that a user gives by the path of its module.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '@gimbal/tensor-core';

/** Whether a path is a module's. */
export const isModule = (path: string): boolean => /\.[mc]?[jt]s$/.test(path);

/** Whether this Node runs TypeScript as it is: 22.18 and later, and 23.6 and later. */
const runsTypeScript = (): boolean => Boolean((process.features as { typescript?: unknown }).typescript);

/**
 * The default export of a module.
 * @param wanted how such an export is written
 * @throws ConfigError for a module that cannot be loaded, or exports no function
 */
export async function ownFunction<F>(path: string, where: string, wanted: string): Promise<F> {
  if (/ts$/.test(path) && !runsTypeScript()) {
    const what = `Node ${process.versions.node} reads no TypeScript`;
    const fix = `Write it as .mjs, compile it (npx esbuild ${path} --outfile=${path.replace(/\.[mc]?ts$/, '.mjs')}), or use Node 22.18 or later`;
    throw new ConfigError({ where, what, got: path, fix });
  }
  const loaded = (await import(pathToFileURL(resolve(path)).href).catch((cause: Error) => {
    const what = `the module cannot be loaded: ${cause.message}`;
    throw new ConfigError({ where, what, got: path, fix: 'The path is taken from the working directory', cause });
  })) as { default?: unknown };
  if (typeof loaded.default === 'function') return loaded.default as F;
  throw new ConfigError({ where, what: 'its default export is no function', got: path, wanted });
}
