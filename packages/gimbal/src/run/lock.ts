// One process at a time works in a run's folder: a file .lock names it.
import { join } from 'node:path';
import { ConfigError, takeLock } from '@gimbal/tensor-core';

const lockName = '.lock';

/** @returns gives the folder free again; @throws ConfigError while another process works in it */
export async function lockFolder(path: string, where: string): Promise<() => Promise<void>> {
  const file = join(path, lockName);
  const taken = takeLock(file);
  if (typeof taken === 'function') return async () => taken();
  throw new ConfigError({
    where,
    what: `another process works in ${path}`,
    got: `process ${taken.pid} on ${taken.host}, since ${taken.since}`,
    fix: `Wait for it or stop it, or choose another --out. If it is no gimbal, delete ${file}`,
  });
}
