// --out where it names a file: checked before the work, since results that cannot be written are lost.
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '@gimbal/tensor-core';

/** @throws ConfigError if the file's folder does not exist or cannot be written to, or a folder has its name */
export async function refuseUnwritable(command: string, out: string): Promise<void> {
  await refuseUnwritableFolder(command, out, dirname(out));
  if ((await stat(out).catch(() => undefined))?.isDirectory()) {
    const what = 'this is a folder; a file is wanted';
    throw new ConfigError({ where: `gimbal ${command} --out`, what, got: out, fix: 'Name a file in it' });
  }
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
