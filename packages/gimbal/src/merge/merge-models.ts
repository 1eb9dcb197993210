// Several models' weights as one model: averaged with given shares, along the arc between two, or by what each learnt
// beyond the first.
import { join, resolve } from 'node:path';
import type { HubOptions } from '@gimbal/language-models';
import { ConfigError, type MergeRecipe, writeFileDurable } from '@gimbal/tensor-core';
import { modelPath } from '../run/model-path.ts';
import { refuseOtherPretraining } from './pretraining.ts';

/** What of the command line decides how models become one. */
export interface MergeModelsOptions {
  model: readonly string[];
  method: 'linear' | 'slerp' | 'task';
  shares?: readonly number[] | undefined;
  normalize: boolean;
  lambda?: number | undefined;
  scales?: readonly number[] | undefined;
  dtype?: 'float32' | 'bfloat16' | 'float16' | undefined;
  /** merge members of `gimbal warm` that come from different pretrainings */
  allowUnsharedPretraining?: boolean;
}

/** What `merge.json` in the merged folder says. */
export interface MergeRecord {
  method: string;
  /** in the order they were given */
  models: readonly string[];
  /** which weights were used */
  note: string;
}

/**
 * The recipe that was asked for.
 * @throws ConfigError for numbers that do not fit the models, or that belong to another method
 */
function recipeOf(o: MergeModelsOptions): MergeRecipe {
  const count = o.model.length;
  if (count < 2) throw wrong('model', `${o.method} merges several models`, o.model, 'two or more, separated by commas');
  const own = { linear: ['shares', 'normalize'], slerp: ['lambda'], task: ['scales'] }[o.method];
  for (const name of ['shares', 'normalize', 'lambda', 'scales'] as const) {
    if (own.includes(name) || o[name] === undefined || o[name] === false) continue;
    const methods = { shares: 'linear', normalize: 'linear', lambda: 'slerp', scales: 'task' };
    throw wrong(name, `it is an option of --method ${methods[name]}`, o.method, `--method ${methods[name]}`);
  }
  if (o.method === 'slerp') {
    if (count !== 2) throw wrong('model', 'there is one arc between two models', count, '2 models');
    return { method: 'slerp', lambda: o.lambda ?? 0.5 };
  }
  if (o.method === 'task') {
    const { scales } = o;
    if (scales !== undefined && scales.length !== 1 && scales.length !== count - 1) {
      throw wrong(
        'scales',
        'one for each model but the first is needed, or one for all',
        scales,
        `${count - 1} numbers`,
      );
    }
    return { method: 'task', ...(scales && { scales: scales.length === 1 ? (scales[0] as number) : scales }) };
  }
  return linear(o, count);
}

/** Shares are parts of a whole, one a model: anything else is a slip, or means --normalize. */
function linear({ shares, normalize }: MergeModelsOptions, count: number): MergeRecipe {
  if (shares === undefined) return { method: 'linear' };
  if (shares.length !== count) throw wrong('shares', 'one for each model is needed', shares, `${count} numbers`);
  const below = shares.find((share) => share < 0);
  if (below !== undefined) {
    const fix = '--method task with a negative scale takes away what a model has learnt';
    throw wrong('shares', 'a share is below 0', below, 'numbers ≥ 0', fix);
  }
  const sum = shares.reduce((a, b) => a + b, 0);
  if (sum === 0) throw wrong('shares', 'all are 0', shares, 'one above 0');
  if (!normalize && Math.abs(sum - 1) > 1e-6) {
    throw wrong('shares', 'they do not sum to 1', sum, '1', 'Add --normalize to divide them by their sum');
  }
  return { method: 'linear', weights: shares, normalize };
}

/**
 * Merges the folders and writes `merge.json` beside the weights.
 * Says which models are the same.
 * @param out a folder
 * @throws ConfigError for what is no model's folder, CheckpointError for models that differ
 */
export async function mergeModels(
  o: MergeModelsOptions,
  out: string,
  { hub, note: warn }: { hub: HubOptions; note(text: string): void },
): Promise<MergeRecord> {
  const recipe = recipeOf(o);
  if (out.endsWith('.gguf')) {
    const fix = 'Merge into a folder, then: gimbal quantize --model FOLDER --out model.gguf';
    throw wrong('out', 'models are merged into a folder', out, 'a name that does not end in .gguf', fix);
  }
  const folders: string[] = [];
  for (const name of o.model) {
    const folder = await modelPath(name, 'gimbal merge --model', hub);
    if (folder.endsWith('.gguf')) {
      throw wrong('model', 'weights in blocks are not averaged', name, 'folders with safetensors');
    }
    folders.push(folder);
  }
  refuseReplaced(out, folders);
  if (!o.allowUnsharedPretraining) await refuseOtherPretraining(folders);
  const { mergeFolders, sameWeights } = await import('@gimbal/reward-models');
  for (const i of folders.keys()) {
    const j = await firstAlike(folders, i, sameWeights);
    if (j !== undefined) warn(`warning: ${o.model[i]} holds the very weights of ${o.model[j]}`);
  }
  const record = (note: string): MergeRecord => ({ method: o.method, models: o.model, note });
  const { note } = await mergeFolders(folders, recipe, out, {
    ...(o.dtype && { dtype: o.dtype }),
    beside: (temporary, report) =>
      writeFileDurable(join(temporary, 'merge.json'), `${JSON.stringify(record(report.note), null, 2)}\n`),
  });
  return record(note);
}

/** @throws ConfigError where the merged model would take the place of one that it is made of */
export function refuseReplaced(out: string, sources: readonly string[]): void {
  const replaced = sources.find((source) => resolve(source) === resolve(out));
  if (replaced === undefined) return;
  throw new ConfigError({
    where: 'gimbal merge --out',
    what: 'it would take the place of a model that it is made of',
    got: out,
    wanted: 'another folder',
  });
}

/** The first member before this one that has its weights. */
async function firstAlike(
  folders: readonly string[],
  i: number,
  same: (a: string, b: string) => Promise<boolean>,
): Promise<number | undefined> {
  for (let j = 0; j < i; j++) if (await same(folders[j] as string, folders[i] as string)) return j;
  return undefined;
}

const wrong = (option: string, what: string, got: unknown, wanted: string, fix?: string): ConfigError =>
  new ConfigError({ where: `gimbal merge --${option}`, what, got, wanted, ...(fix && { fix }) });
