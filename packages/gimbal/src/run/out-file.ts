// --out where it names a file: checked before the work, since results that cannot be written are lost.
import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '@gimbal/tensor-core';

/** @throws ConfigError if the file's folder does not exist or cannot be written to, or a folder has its name */
export async function refuseUnwritable(command: string, out: string): Promise<void> {
  await refuseUnwritableFolder(command, out, dirname(out));
  if ((await stat(out).catch(() => undefined))?.isDirectory()) {
    const what = 'this is a folder; a file is wanted';
    throw new ConfigError({ where: `gimbal ${command} --out`, what, got: out, fix: 'Name a file in it' });
  }
}

/**
 * A file that is there is never replaced: it may be the rows that were asked for, or answers that took hours.
 * @param data the file of `--data`, to be named where it is this one
 * @throws ConfigError where there is such a file, and as `refuseUnwritable`
 */
export async function refuseReplacing(command: string, out: string, data?: string): Promise<void> {
  await refuseUnwritable(command, out);
  if (!(await stat(out).catch(() => undefined))?.isFile()) return; // a device, as /dev/stdout, is no file
  const isData = data !== undefined && resolve(data) === resolve(out);
  throw new ConfigError({
    where: `gimbal ${command} --out`,
    what: isData ? 'this is the file of --data, and would be replaced' : 'this file exists already',
    got: out,
    fix: isData ? 'Name another file' : 'Name another file, or remove this one first',
  });
}

const others = /\.(?:(csv|tsv|parquet)|npy)$/i;

/** @throws ConfigError for a name that promises a table or an array, where texts are written as JSON Lines */
export function refuseOtherThanLines(command: string, out: string): void {
  const [found, table] = others.exec(out) ?? [];
  if (found === undefined) return;
  const what = `answers are written as JSON Lines, not as ${table === undefined ? 'an array of numbers' : 'a table'}`;
  const wanted = 'a name that ends in .jsonl';
  throw new ConfigError({ where: `gimbal ${command} --out`, what, got: out, wanted });
}

/** @throws ConfigError if this folder, in which `out` shall lie, does not exist or cannot be written to */
export async function refuseUnwritableFolder(command: string, out: string, folder: string): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
    await access(folder, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what =
      code === 'ENOTDIR'
        ? `${folder} is a file, not a folder`
        : `the folder ${folder} does not exist or cannot be written to`;
    const where = `gimbal ${command} --out`;
    throw new ConfigError({ where, what, got: out, fix: 'Name a file in one that can', cause });
  }
}
