// A function that a user gives by the path of its module.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '@gimbal/tensor-core';

/**
 * The default export of a module.
 * @param wanted how such an export is written
 * @throws ConfigError for a module that cannot be loaded, or exports no function
 */
export async function ownFunction<F>(path: string, where: string, wanted: string): Promise<F> {
  const loaded = (await import(pathToFileURL(resolve(path)).href).catch((cause: Error) => {
    const what = `the module cannot be loaded: ${cause.message}`;
    throw new ConfigError({ where, what, got: path, fix: 'The path is taken from the working directory', cause });
  })) as { default?: unknown };
  if (typeof loaded.default === 'function') return loaded.default as F;
  throw new ConfigError({ where, what: 'its default export is no function', got: path, wanted });
}
