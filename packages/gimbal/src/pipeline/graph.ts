// The order of stages, and the options of all of them as one table.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { listModules, loadModule } from '../cli/discover.ts';
import type { OptionTable } from '../options/kind.ts';
import type { Stage } from './stage.ts';

/** All stages below `root`, each after those it needs; equal names in the order of the alphabet. */
export async function loadStages(root: URL): Promise<Stage[]> {
  const names = await listModules(root, 'stages');
  const stages = await Promise.all(
    names.map(async (name) => (await loadModule<{ stage: Stage }>(root, 'stages', name)).stage),
  );
  return inOrder(stages);
}

/**
 * Stages so that each comes after those it needs.
 * @throws ConfigError for a stage that needs one that is not there, or for a circle
 */
export function inOrder(stages: readonly Stage[]): Stage[] {
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const ordered: Stage[] = [];
  const visiting = new Set<string>();
  const visit = (name: string, from: string): void => {
    const stage = byName.get(name);
    if (!stage) throw new ConfigError({ where: `stage ${from}`, what: `needs ${name}, which does not exist` });
    if (ordered.includes(stage)) return;
    if (visiting.has(name)) throw new ConfigError({ where: `stage ${name}`, what: 'needs itself, through others' });
    visiting.add(name);
    for (const need of stage.needs) visit(need, name);
    ordered.push(stage);
  };
  for (const name of [...byName.keys()].sort()) visit(name, name);
  return ordered;
}

/** `steps` of the stage with prefix `fineTune` → `fineTuneSteps`. */
const prefixed = (prefix: string, name: string): string =>
  prefix === '' ? name : `${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** The options of all stages in one table, under their prefixed names. */
export function optionsOf(stages: readonly Stage[]): OptionTable {
  const shape: { [name: string]: z.ZodType } = {};
  for (const stage of stages) {
    for (const [name, field] of Object.entries(stage.options.shape)) {
      const full = prefixed(stage.prefix, name);
      if (full in shape) throw new ConfigError({ where: `stage ${stage.name}`, what: `option ${full} exists already` });
      shape[full] = field as z.ZodType;
    }
  }
  return z.object(shape);
}

/** One stage's options out of the table of all. */
export function optionsFor(stage: Stage, all: { [name: string]: unknown }): { [name: string]: unknown } {
  const names = Object.keys(stage.options.shape);
  return Object.fromEntries(names.map((name) => [name, all[prefixed(stage.prefix, name)]]));
}
