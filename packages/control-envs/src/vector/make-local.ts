/** Copies that step in the calling thread: the only kind in a page. */
import type { AutoresetMode, Env } from '@gimbal/tensor-core';
import { vectorArrays } from './arrays.ts';
import { LocalRows } from './row-set.ts';
import { Rows } from './rows.ts';
import { RowsVectorEnv } from './vector-env.ts';

export interface LocalPlan {
  numEnvs: number;
  mode: AutoresetMode;
  seed: number;
  copies: boolean;
}

/** @param makeOne makes one copy */
export async function makeLocal(
  makeOne: () => Promise<Env>,
  { numEnvs, mode, seed, copies }: LocalPlan,
): Promise<RowsVectorEnv> {
  const envs: Env[] = [];
  while (envs.length < numEnvs) envs.push(await makeOne());
  const template = envs[0] as Env;
  const arrays = vectorArrays(template, numEnvs, false);
  const rows = new LocalRows(new Rows(envs, 0, mode, arrays));
  return new RowsVectorEnv({ template, numEnvs, mode, arrays, rows, seed, copies });
}
