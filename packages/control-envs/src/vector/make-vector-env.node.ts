/** Vector environments for Node: in this thread, or on worker threads. */
import { availableParallelism } from 'node:os';
import { type AutoresetMode, ConfigError, type Env } from '@gimbal/tensor-core';
import { type EnvId, type EnvOptions, makeEnv } from '../registry/registry.ts';
import { vectorArrays } from './arrays.ts';
import { makeLocal } from './make-local.ts';
import type { WorkerSetup } from './protocol.ts';
import { RowsVectorEnv } from './vector-env.ts';
import { type WorkerRestart, WorkerRowSet } from './worker-row-set.node.ts';

/** How many copies, on which threads, with which seeds. */
export interface VectorOptions<Id = string> {
  /** number of copies */
  numEnvs: number;
  /** threads beside this one; 0 (the default) steps here, 'auto' takes one for each core */
  workers?: number | 'auto';
  /** default 'same-step' */
  autoresetMode?: AutoresetMode;
  /** copy i gets seed + i; default 0 */
  seed?: number;
  /** of each copy */
  options?: EnvOptions<Id>;
  /**
   * 'copy' (the default): results are the caller's to keep. 'shared': results are the arrays themselves, which the
   * next call overwrites; nothing is created in a step.
   */
  buffers?: 'copy' | 'shared';
  /** modules that register environments, imported on each worker (file URLs or package names) */
  modules?: readonly string[];
  /** told of each worker that died and was replaced */
  onRestart?: (event: WorkerRestart) => void;
}

/**
 * Makes `numEnvs` copies of an environment.
 * @param id a registered id, or a function that makes one copy (in this thread only)
 * @example const envs = await makeVectorEnv('HalfCheetah-v5', { numEnvs: 64, workers: 'auto', seed: 0 });
 */
export async function makeVectorEnv<Id extends EnvId>(
  id: Id | (() => Env | Promise<Env>),
  o: VectorOptions<Id>,
): Promise<RowsVectorEnv> {
  const { numEnvs, autoresetMode: mode = 'same-step', seed = 0, buffers = 'copy', modules = [], options = {} } = o;
  const workers = Math.min(checkedCount(o.workers ?? 0, numEnvs), numEnvs);
  if (typeof id === 'function' && workers > 0) {
    const fix = 'Register it in a module of its own and name that in modules';
    throw new ConfigError({ where: 'makeVectorEnv', what: 'a function cannot be sent to workers', fix });
  }
  const makeOne = async (): Promise<Env> =>
    typeof id === 'function' ? id() : makeEnv(id as string, options as object);
  const copies = buffers === 'copy';
  if (workers === 0) return makeLocal(makeOne, { numEnvs, mode, seed, copies });
  const template = await makeOne();
  const arrays = vectorArrays(template.observationSpace, template.actionSpace, numEnvs, true);
  template.close(); // its spaces and spec stay readable
  const setups = Array.from({ length: workers }, (_, w): WorkerSetup => {
    const from = Math.floor((w * numEnvs) / workers);
    const count = Math.floor(((w + 1) * numEnvs) / workers) - from;
    const control = new Int32Array(new SharedArrayBuffer(16));
    return { id: id as string, options: options as object, from, count, mode, arrays, control, modules };
  });
  const { onRestart } = o;
  const plan = { setups, observationSpace: template.observationSpace, ...(onRestart !== undefined && { onRestart }) };
  const rows = await WorkerRowSet.start(plan);
  return new RowsVectorEnv({ template, numEnvs, mode, arrays, rows, seed, copies });
}

function checkedCount(workers: number | 'auto', numEnvs: number): number {
  const count = workers === 'auto' ? availableParallelism() : workers;
  for (const [name, n, least] of [
    ['numEnvs', numEnvs, 1],
    ['workers', count, 0],
  ] as const) {
    if (Number.isSafeInteger(n) && n >= least) continue;
    const wanted = `a whole number from ${least}`;
    throw new ConfigError({ where: 'makeVectorEnv', what: `bad ${name}`, got: n, wanted });
  }
  return count;
}
