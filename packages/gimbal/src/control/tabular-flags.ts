// Tables to train on exactly: their names beside environment ids, and the flags that only they have.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';

/** Tables by name, and the names of their options. */
export const tables: { readonly [name: string]: { summary: string; options: readonly string[] } } = {
  CliffWorld: { summary: 'a table, solved exactly: a goal behind chasms (FMA-PG)', options: [] },
  DeepSeaTreasure: { summary: 'a table, solved exactly: a treasure far out (FMA-PG)', options: ['size'] },
};

/** For the list of environments. */
export const listTables = (): { id: string; summary: string; options: string[] }[] =>
  Object.entries(tables).map(([id, { summary, options }]) => ({ id, summary, options: [...options] }));

/** Whether a name is a table's. */
export const isTable = (name: string): boolean => Object.hasOwn(tables, name);

/** Flags of tabular runs alone. */
export const tabularOptions = {
  inner: z
    .enum(['closed-form', 'fixed', 'armijo', 'constrained'])
    .optional()
    .describe('tables: how the surrogate is maximised (default closed-form where the method has one, else fixed)'),
  innerSteps: z.int().min(1).optional().describe('tables: steps of the inner loop (default 100)'),
  alpha: z.number().positive().optional().describe('tables: step size of --inner fixed (default 1)'),
  delta: z.number().positive().optional().describe('tables: KL of --inner constrained (default 0.01)'),
};

/** A flag that has no effect, refused. */
export function noUse(name: string, got: unknown, fix: string): ConfigError {
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return new ConfigError({ where: `gimbal control train --${flag}`, what: 'it would change nothing here', got, fix });
}

/** @throws ConfigError for tabular flags where the environment is no table */
export function refuseTabularFlags(flags: Readonly<Record<string, unknown>>): void {
  const fix = `Leave it out, or name a table: ${Object.keys(tables).join(', ')}`;
  for (const name of Object.keys(tabularOptions)) if (flags[name] !== undefined) throw noUse(name, flags[name], fix);
}
