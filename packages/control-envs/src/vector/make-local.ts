/** Copies that step in the calling thread: the only kind in a page. */
import type { AutoresetMode, Env } from '@gimbal/tensor-core';
import { checkedEnv } from '../base/checked-env.ts';
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

/** Makes copies one after another; where one fails, those made before are closed. */
export async function makeAll(makeOne: () => Promise<Env>, count: number): Promise<Env[]> {
  const envs: Env[] = [];
  try {
    while (envs.length < count) envs.push(checkedEnv(await makeOne(), 'makeVectorEnv'));
    return envs;
  } catch (error) {
    for (const env of envs) env.close();
    throw error;
  }
}

/** @param makeOne makes one copy */
export async function makeLocal(
  makeOne: () => Promise<Env>,
  { numEnvs, mode, seed, copies }: LocalPlan,
): Promise<RowsVectorEnv> {
  const envs = await makeAll(makeOne, numEnvs);
  const template = envs[0] as Env;
  const arrays = vectorArrays(template, numEnvs, false);
  const rows = new LocalRows(new Rows(envs, 0, mode, arrays));
  return new RowsVectorEnv({ template, numEnvs, mode, arrays, rows, seed, copies });
}
