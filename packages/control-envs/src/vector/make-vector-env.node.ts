/** Vector environments for Node: in this thread, or on worker threads. */
import { availableParallelism } from 'node:os';
import { type AutoresetMode, ConfigError, type Env } from '@gimbal/tensor-core';
import { type EnvId, type EnvOptions, makeEnv } from '../registry/registry.ts';
import { vectorArrays } from './arrays.ts';
import { checkVectorOptions } from './check-options.ts';
import { makeAll, makeLocal } from './make-local.ts';
import type { WorkerSetup } from './protocol.ts';
import { Rows } from './rows.ts';
import { RowsVectorEnv } from './vector-env.ts';
import { type WorkerPlan, type WorkerRestart, WorkerRowSet } from './worker-row-set.node.ts';

/** How many copies, on which threads, with which seeds. */
export interface VectorOptions<Id = string> {
  /** number of copies */
  numEnvs: number;
  /**
   * threads beside this one; 0 (the default) steps here. 'auto' uses each core: one worker for all but one, and this
   * thread steps the last share itself while they step theirs, which is the fastest
   */
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
  /** modules that register environments, imported on each worker (file URLs, as text or URL, or package names) */
  modules?: readonly (string | URL)[];
  /** told of each worker that died and was replaced */
  onRestart?: (event: WorkerRestart) => void;
}

const known = ['numEnvs', 'workers', 'autoresetMode', 'seed', 'options', 'buffers', 'modules', 'onRestart'];

/**
 * Makes `numEnvs` copies of an environment.
 * @param id a registered id, or a function that makes one copy (in this thread only)
 * @throws ConfigError for an unknown id or option, or a bad value
 * @example const envs = await makeVectorEnv('HalfCheetah-v5', { numEnvs: 64, workers: 'auto', seed: 0 });
 */
export async function makeVectorEnv<Id extends EnvId>(
  id: Id | (() => Env | Promise<Env>),
  o: VectorOptions<Id>,
): Promise<RowsVectorEnv> {
  checkVectorOptions(o, known);
  const { numEnvs, autoresetMode: mode = 'same-step', seed = 0, buffers = 'copy', options = {} } = o;
  const modules = (o.modules ?? []).map(String);
  const asked = checkedCount(o.workers ?? 0, numEnvs);
  // 'auto': as many threads as cores, this one among them
  const threads = Math.min(asked, numEnvs);
  const workers = o.workers === 'auto' ? threads - 1 : threads;
  if (typeof id === 'function' && workers > 0) {
    const fix = 'Register it in a module of its own and name that in modules';
    throw new ConfigError({ where: 'makeVectorEnv', what: 'a function cannot be sent to workers', fix });
  }
  const makeOne = async (): Promise<Env> =>
    typeof id === 'function' ? id() : makeEnv(id as string, options as object);
  const copies = buffers === 'copy';
  if (workers === 0) return makeLocal(makeOne, { numEnvs, mode, seed, copies });
  const template = await makeOne();
  const arrays = vectorArrays(template, numEnvs, true);
  template.close(); // its spaces and spec stay readable
  const share = (t: number): { from: number; count: number } => {
    const from = Math.floor((t * numEnvs) / threads);
    return { from, count: Math.floor(((t + 1) * numEnvs) / threads) - from };
  };
  const setups = Array.from({ length: workers }, (_, w): WorkerSetup => {
    const control = new Int32Array(new SharedArrayBuffer(16));
    return { id: id as string, options: options as object, ...share(w), mode, arrays, control, modules };
  });
  const own = threads > workers ? await makeAll(makeOne, share(workers).count) : [];
  const here = own.length === 0 ? undefined : new Rows(own, share(workers).from, mode, arrays);
  const { onRestart } = o;
  const plan: WorkerPlan = {
    setups,
    observationSpace: template.observationSpace,
    ...(here !== undefined && { here }),
    ...(onRestart !== undefined && { onRestart }),
  };
  const rows = await WorkerRowSet.start(plan).catch((error) => {
    here?.close();
    throw error;
  });
  return new RowsVectorEnv({ template, numEnvs, mode, arrays, rows, seed, copies });
}

function checkedCount(workers: number | 'auto', numEnvs: number): number {
  const count = workers === 'auto' ? availableParallelism() : workers;
  for (const [name, n, least] of [
    ['numEnvs', numEnvs, 1],
    ['workers', count, 0],
  ] as const) {
    if (Number.isSafeInteger(n) && n >= least) continue;
    const wanted = `a whole number from ${least}${name === 'workers' ? ", or 'auto'" : ''}`;
    throw new ConfigError({ where: 'makeVectorEnv', what: `bad ${name}`, got: n, wanted });
  }
  return count;
}
