// A run's name where a path is wanted: as --out and --resume take it, `mine` is runs/mine.
import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Of --out: `name` is runs/name; anything with a separator is a path. @param cwd where runs/ stands */
export const pathOfRun = (out: string, cwd = '.'): string =>
  out.includes('/') || out.includes(sep) || out === '.' || out === '..' ? out : join(cwd, 'runs', out);

/**
 * What is there by that path; else the run of that name, where there is one.
 * @param path as a person gives it: of a path that has a separator it is itself
 */
export function orNamedRun(path: string, cwd = '.'): string {
  const run = pathOfRun(path, cwd);
  return path !== '' && !existsSync(join(cwd, path)) && existsSync(join(run, 'config.json')) ? run : path;
}
