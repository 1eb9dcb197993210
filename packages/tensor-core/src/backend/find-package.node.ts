// Optional packages that the user installs: looked for beside this library, then from the folder the program runs in.
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The files that a specifier leads to, nearest to this library first; empty where the package is not installed. */
export function installedFiles(specifier: string): string[] {
  const files: string[] = [];
  for (const from of [createRequire(import.meta.url), createRequire(join(process.cwd(), 'package.json'))]) {
    try {
      files.push(from.resolve(specifier));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return files;
}
