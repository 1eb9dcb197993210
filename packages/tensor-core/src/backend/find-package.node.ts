// Optional packages that the user installs: looked for beside this library, then from the folder the program runs in.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** The command that installs packages where this library finds them: in a clone of the workspace npm cannot. */
export function installCommand(...names: readonly string[]): string {
  const pnpm = workspacePnpm();
  return pnpm === undefined ? `npm install ${names.join(' ')}` : `npx ${pnpm} add -w ${names.join(' ')}`;
}

/** The pnpm that the clone around this file pins; undefined where the library is installed. */
function workspacePnpm(): string | undefined {
  const here = fileURLToPath(import.meta.url);
  if (here.split(sep).includes('node_modules')) return undefined;
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    let manifest: { name?: string; packageManager?: string };
    try {
      manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    } catch {
      continue; // most folders have none
    }
    if (manifest.name === 'gimbal-workspace') return manifest.packageManager;
  }
  return undefined;
}
