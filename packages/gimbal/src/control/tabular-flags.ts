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
    .describe(
      'tables: how the surrogate is maximised (default closed-form where the method has one; of the others what the next options are of, without them trpo constrained, ppo and sppo armijo, reinforce fixed)',
    ),
  innerSteps: z
    .int()
    .min(1)
    .optional()
    .describe('tables: steps of the inner loop (default 100, of --inner constrained 1)'),
  alpha: z.number().positive().optional().describe('tables: step size of --inner fixed (default 1)'),
  delta: z
    .number()
    .positive()
    .optional()
    .describe(
      'tables: most KL of --inner constrained, KL(p_t ‖ p) of smdpo and trpo, KL(p ‖ p_t) of mdpo (default 0.01)',
    ),
  floor: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      'tables: least weight (smdpo) or probability of --inner closed-form; it decides which optimum a large η reaches (default smdpo 1e-8, others 0)',
    ),
  c: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('tables: sufficient increase of --inner armijo, a share of α‖g‖² (default 0.5)'),
  objective: z
    .enum(['full', 'linear-only'])
    .optional()
    .describe('tables: what --inner armijo tests; linear-only repeats a slip of the released code (default full)'),
  maxAlpha: z.number().positive().optional().describe('tables: first step size that --inner armijo tries (default 10)'),
  warmStart: z
    .boolean()
    .default(true)
    .describe('begin a search of --inner armijo at twice the last step size (tables)'),
};

/** Whether a flag was given that decides something: what is undefined was not, and true is what booleans are by default. */
export const isGiven = (value: unknown): boolean => value !== undefined && value !== true;

/** A flag that has no effect, refused; false is of one that is typed as --no-…. */
export function noUse(name: string, got: unknown, fix: string): ConfigError {
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const where = `gimbal control train --${got === false ? 'no-' : ''}${flag}`;
  return new ConfigError({ where, what: 'it would change nothing here', ...(got !== false && { got }), fix });
}

/** @throws ConfigError for tabular flags where the environment is no table */
export function refuseTabularFlags(flags: Readonly<Record<string, unknown>>): void {
  const fix = `Leave it out, or name a table: ${Object.keys(tables).join(', ')}`;
  for (const name of Object.keys(tabularOptions)) if (isGiven(flags[name])) throw noUse(name, flags[name], fix);
}
