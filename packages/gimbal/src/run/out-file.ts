// --out where it names a file: checked before the work, since results that cannot be written are lost.
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '@gimbal/tensor-core';

/** @throws ConfigError if the file's folder does not exist or cannot be written to, or a folder has its name */
export async function refuseUnwritable(command: string, out: string): Promise<void> {
  const where = `gimbal ${command} --out`;
  const folder = dirname(out);
  try {
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
    await access(folder, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what =
      code === 'ENOTDIR'
        ? `${folder} is a file, not a folder`
        : `the folder ${folder} does not exist or cannot be written to`;
    throw new ConfigError({ where, what, got: out, fix: 'Name a file in one that can', cause });
  }
  if ((await stat(out).catch(() => undefined))?.isDirectory()) {
    throw new ConfigError({ where, what: 'this is a folder; a file is wanted', got: out, fix: 'Name a file in it' });
  }
}
