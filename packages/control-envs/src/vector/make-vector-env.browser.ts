/** Vector environments for the page: all copies step in the calling thread, which may be a web worker. */
import { type AutoresetMode, ConfigError, type Env } from '@gimbal/tensor-core';
import { type EnvId, type EnvOptions, makeEnv } from '../registry/registry.ts';
import { checkVectorOptions } from './check-options.ts';
import { makeLocal } from './make-local.ts';
import type { RowsVectorEnv } from './vector-env.ts';

/** How many copies, with which seeds. */
export interface VectorOptions<Id = string> {
  /** number of copies */
  numEnvs: number;
  /** worker threads are for Node: only 0 */
  workers?: 0;
  /** default 'same-step' */
  autoresetMode?: AutoresetMode;
  /** copy i gets seed + i; default 0 */
  seed?: number;
  /** of each copy */
  options?: EnvOptions<Id>;
  /** 'copy' (the default), or 'shared': results are the arrays that the next call overwrites */
  buffers?: 'copy' | 'shared';
}

/** Makes `numEnvs` copies of an environment. */
export async function makeVectorEnv<Id extends EnvId>(
  id: Id | (() => Env | Promise<Env>),
  o: VectorOptions<Id>,
): Promise<RowsVectorEnv> {
  checkVectorOptions(o, ['numEnvs', 'workers', 'autoresetMode', 'seed', 'options', 'buffers']);
  const { numEnvs, workers = 0, autoresetMode = 'same-step', seed = 0, options, buffers = 'copy' } = o;
  const where = 'makeVectorEnv';
  if (workers !== 0) throw new ConfigError({ where, what: 'no worker threads in a page', got: workers, wanted: '0' });
  if (!Number.isSafeInteger(numEnvs) || numEnvs < 1) {
    throw new ConfigError({ where, what: 'bad numEnvs', got: numEnvs, wanted: 'a whole number from 1' });
  }
  const makeOne = async (): Promise<Env> =>
    typeof id === 'function' ? id() : makeEnv(id as string, (options ?? {}) as object);
  return makeLocal(makeOne, { numEnvs, mode: autoresetMode, seed, copies: buffers === 'copy' });
}
