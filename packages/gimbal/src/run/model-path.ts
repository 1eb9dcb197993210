// --model and --adapter as a person gives them: a folder, a file, a name on the hub, or a run by its folder or name.
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubOptions } from '@gimbal/language-models';
import { ConfigError } from '@gimbal/tensor-core';
import { orNamedRun } from './named-run.ts';

/**
 * Where a model lies: one on the hub is downloaded, of a run it is the one that the run has made.
 * @param where the flag, for messages
 * @throws ConfigError where there is nothing, a file of another kind, or a run that has made no model; what `localModel` throws
 */
export async function modelPath(given: string, where: string, hub?: HubOptions): Promise<string> {
  const { localModel } = await import('@gimbal/language-models');
  const path = orNamedRun(given);
  const here = await localModel(path, hub);
  if (!existsSync(here)) {
    throw new ConfigError({ where, what: 'no such file or folder', got: path, fix: notThere });
  }
  if (statSync(here).isFile() && !here.endsWith('.gguf')) {
    const wanted = 'a model folder, a .gguf file, or a name on the hub';
    throw new ConfigError({ where, what: 'this file is no model', got: path, wanted });
  }
  refuseAdapter(where, path, here);
  const command = await commandOfRun(here);
  if (command === undefined) return here;
  // `model` is where commands save; `warm` keeps its average beside the members
  const inside = (await readdir(here, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const made = modelsOfRun.map((name) => join(here, name)).find((folder) => existsSync(join(folder, 'config.json')));
  if (made !== undefined) return made;
  const what = `this is a run of gimbal ${command} that has no model`;
  if (inside.some(({ name }) => name === 'adapter')) {
    const fix = `It made an adapter: give --model the model it was trained on, and --adapter ${join(path, 'adapter')}`;
    throw new ConfigError({ where, what, got: path, fix });
  }
  const fix = `If it was stopped, go on with it: npx gimbal ${command} --out ${path} --resume`;
  throw new ConfigError({ where, what, got: path, fix });
}

const notThere = 'Check the path; it is taken from the working directory, and the name of a run from runs/';

/** Where a run's model may be, in its folder. */
export const modelsOfRun = ['model', 'warm/model'];

const isAdapter = (folder: string): boolean => existsSync(join(folder, 'adapter_config.json'));

/**
 * Where an adapter lies: in a folder of PEFT's, or of a run the one that it has made.
 * @throws ConfigError where there is none, saying what there is
 */
export function adapterPath(given: string): string {
  const path = orNamedRun(given);
  const made = join(path, 'adapter');
  const found = [path, made].find(isAdapter);
  if (found !== undefined) return found;
  const where = '--adapter';
  const wanted = 'the folder of an adapter, with adapter_config.json';
  if (!existsSync(path)) {
    throw new ConfigError({ where, what: 'no such folder', got: path, wanted, fix: notThere });
  }
  const isModel = path.endsWith('.gguf') || ['.', ...modelsOfRun].some((name) => holdsModel(join(path, name)));
  const what = isModel ? 'this is a whole model, no adapter' : 'this folder holds no adapter';
  const fix = isModel ? 'Give it as --model, without --adapter' : 'Check the path';
  throw new ConfigError({ where, what, got: path, wanted, fix });
}

/** Whether a folder has weights: a run has a config.json too. */
const holdsModel = (folder: string): boolean =>
  existsSync(join(folder, 'config.json')) &&
  ['model.safetensors', 'model.safetensors.index.json'].some((file) => existsSync(join(folder, file)));

/** @throws ConfigError naming what an adapter goes with */
function refuseAdapter(where: string, path: string, folder: string): void {
  if (!isAdapter(folder) || existsSync(join(folder, 'config.json'))) return;
  const fix = `Give --model the model it was trained on, and --adapter ${path}`;
  throw new ConfigError({ where, what: 'this is an adapter, no whole model', got: path, fix });
}

/** The command whose run a folder holds: a model has a config.json too. */
async function commandOfRun(folder: string): Promise<string | undefined> {
  try {
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as { [name: string]: unknown };
    return typeof config.command === 'string' && !('model_type' in config) ? config.command : undefined;
  } catch {
    return undefined; // no run: what is wrong with it is told by whoever opens it
  }
}
