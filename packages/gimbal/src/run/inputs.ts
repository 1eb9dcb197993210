/**
 * What a run learns from, by the hash of its content. A run that went on with other rows or another judge would be neither
 * the one that was begun nor a new one, and what it keeps of the old rows (a reference's log-probabilities) would be wrong.
 */
import { existsSync, statSync } from 'node:fs';
import { ConfigError } from '@gimbal/tensor-core';
import { hashPath, hashValue } from '../pipeline/hash.ts';
import { rewardFiles } from '../rl/reward.ts';
import { orNamedRun } from './named-run.ts';
import { isModule } from './own-function.ts';

/** Hashes of files and folders, by their path as it was given. */
export type Inputs = { readonly [path: string]: string };

/** Options that name what is learned from. */
const names = ['data', 'test', 'preference', 'reward', 'judge'] as const;

type Values = { readonly [name: string]: unknown };

/** Paths as they were typed; of a reward, without its kind before, its options and its weight behind it; of an ensemble each. */
function pathsIn(text: string): string[] {
  if (existsSync(text)) return [text];
  const body = text.replace(/\?.*$/, '').replace(/=[^=/\\]*$/, '');
  const members = body.startsWith('ensemble:') ? body.slice('ensemble:'.length).split('+') : [body];
  return members
    .map((one) => orNamedRun(one.replace(/^[a-z]+:/, '')))
    .filter((path) => path !== '' && existsSync(path));
}

/** What the options name that exists here, each with the hash of its content. */
async function contentOf(options: Values): Promise<{ path: string; flag: string; hash: string }[]> {
  const all = names.flatMap((name) => {
    const texts = [options[name]].flat().filter((value) => typeof value === 'string');
    return texts.flatMap((text) => pathsIn(text).map((path) => ({ path, flag: `--${name}` })));
  });
  return Promise.all(all.map(async (one) => ({ ...one, hash: await hashOf(one.path) })));
}

/** Of a model's folder its configuration and weights: a run's folder holds logs and checkpoints too. */
async function hashOf(path: string): Promise<string> {
  if (!statSync(path).isDirectory()) return hashPath(path);
  const files = rewardFiles([{ kind: 'model', of: path }]);
  return files.length === 0 ? hashPath(path) : hashValue(await Promise.all(files.map(hashPath)));
}

/** Hashes of the files and folders that options name; what else they name (a server, a world) has none. */
export async function inputsOf(options: Values): Promise<Inputs> {
  return Object.fromEntries((await contentOf(options)).map(({ path, hash }) => [path, hash]));
}

/**
 * Refuses to go on where the content of a file or folder is another than when the run began; a module that is another is
 * noted. What is gone is told by who reads it; what has no hash, as in a run of an earlier version, is believed.
 * @param options of the run
 * @param inputs hashes from its start
 * @param where `gimbal dpo --resume`
 * @param run its folder
 * @param note is told of modules
 * @throws ConfigError naming the file
 */
export async function refuseChangedInputs(
  options: Values,
  inputs: Inputs,
  where: string,
  run: string,
  note: (text: string) => void,
): Promise<void> {
  for (const { path, flag, hash } of await contentOf(options)) {
    if ((inputs[path] ?? hash) === hash) continue;
    // code may have been mended since it failed: that is what a run is resumed for
    if (isModule(path)) {
      note(`${path} (${flag}) has changed since the run in ${run} began: it goes on with what it says now`);
      continue;
    }
    throw new ConfigError({
      where,
      what: `${path} (${flag}) has changed since the run in ${run} began`,
      got: hash,
      wanted: inputs[path],
      fix: 'Bring its content back to go on with that run, or start a new run without --resume',
    });
  }
}
