// A run is a folder: config.json, metrics.jsonl, a folder per stage (its metrics, TensorBoard events, checkpoints) and
// report.html. It is claimed by its config.json and never overwritten.
import { access, constants, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError, latestCheckpoint, makeFolder, writeFileAtomic } from '@gimbal/tensor-core';
import { presentational } from '../cli/globals.ts';
import { packageVersion } from '../cli/version.ts';
import { kebab } from '../options/kind.ts';
import type { Given } from '../options/resolve.ts';
import type { Choice } from '../pipeline/run-stages.ts';
import { type Inputs, inputsOf, refuseChangedInputs } from './inputs.ts';
import { lockFolder } from './lock.ts';
import { pathOfRun } from './named-run.ts';

/** What config.json holds. */
export interface RunConfig {
  command: string;
  version: string;
  node: string;
  started: string;
  options: { [name: string]: unknown };
  /** what was chosen while running: the size, the backend, the number of threads */
  resolved?: { [name: string]: unknown } | undefined;
  /** hashes of the files and folders that it learns from, by path */
  inputs?: Inputs;
  /** hashes of the code it was computed with; an upgrade in between adds one */
  code?: readonly string[];
  /** what stages chose by measuring, by stage */
  choices?: { [stage: string]: Choice };
  /** how long it was trained, all parts of a run that was stopped together */
  trainedSeconds?: number;
  /** the command line that gives this run again, with nothing left to measure */
  again?: string;
}

export interface RunRequest {
  command: string;
  options: { out?: string | undefined; resume: boolean; [name: string]: unknown };
  given: ReadonlyMap<string, Given>;
  /** where runs/ stands; default the working directory */
  cwd?: string;
  /** is told of what a resumed run does otherwise than the one that began */
  note?: (text: string) => void;
  /** a run is trained on where --resume comes with more --steps; without it another number is refused */
  longer?: Longer;
  /** options that a resumed run may have otherwise, and what is said then */
  mayDiffer?: { readonly [option: string]: string };
  /** throws for a saved run that cannot be gone on with, by its options: nothing of it has changed then */
  refuseSaved?: (options: RunConfig['options']) => void;
  /** what the run in a folder has for an option that was not given to it; undefined where that is not known */
  ownOf?: (path: string, name: string) => Promise<unknown>;
}

/** What is known of a run's number of steps. */
export interface Longer {
  /** where none was given */
  steps: number;
  /** what becomes of what hangs on their number, as a schedule: a sentence */
  told: string;
}

export interface RunFolder {
  /** path as a person would type it */
  path: string;
  /** as it stands in config.json */
  readonly config: RunConfig;
  /** Replace parts of config.json. */
  update(parts: Partial<RunConfig>): Promise<void>;
  /** Give a resumed run the options that it was found with, and what was found out of them: nothing of a new run. */
  putBack(): Promise<void>;
  /** Release it, and take the folder away again if no stage has begun: a refused run leaves nothing to resume. */
  abandonIfEmpty(): Promise<boolean>;
  /** Let other processes go on with it. */
  release(): Promise<void>;
}

/** Where the results of stages lie, by content. */
export const cacheFolder = (cwd = '.'): string => join(cwd, 'runs', '.cache');

/** That folder, or one in the run where nothing can be written below the working directory: --out may lie elsewhere. */
export async function cacheFolderFor(runPath: string, cwd = '.'): Promise<string> {
  const shared = cacheFolder(cwd);
  // asked, not made: a run that is refused leaves nothing behind
  for (const folder of [shared, dirname(shared), cwd]) {
    try {
      await access(folder, constants.W_OK);
      return shared;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') break;
    }
  }
  return join(runPath, '.cache'); // a disk that is full says so there
}

/**
 * Make the folder of a new run, or find that of the run to go on with.
 * @throws ConfigError if it exists and --resume was not given, if there is none to resume, or if an option that
 * matters differs from the one the run was started with (but for more steps, where they may grow), or while another process works in it;
 * CheckpointError where more steps are to follow checkpoints that are all damaged: nothing is written then; the caller releases it
 */
export async function openRun(request: RunRequest): Promise<RunFolder> {
  const { command, options, cwd = '.' } = request;
  const path = options.resume ? await existing(request) : await fresh(command, options.out, cwd);
  const where = `gimbal ${command} ${options.resume ? '--resume' : '--out'}`;
  const saved = options.resume ? await readConfig(path) : undefined;
  if (options.resume && !saved) {
    const isThere = await stat(join(path, 'config.json')).catch(() => undefined);
    const what = isThere ? `${path}/config.json is not the configuration of a run` : `${path} holds no run`;
    const fix = isThere
      ? 'Restore that file, or start a new run with another --out'
      : 'Start a new run without --resume';
    throw new ConfigError({ where, what, fix });
  }
  const longer = saved && longerRun(request, saved);
  if (saved) await refuseOtherConfig(request, longer ?? saved, path);
  const release = await lockFolder(path, where).catch((error) => Promise.reject(unwritable(error, path, where)));
  const config: RunConfig = longer ??
    saved ?? {
      command,
      version: packageVersion(),
      node: process.version,
      started: new Date().toISOString(),
      options: { ...options },
    };
  const run = folder(path, config, saved, release);
  try {
    if (longer) await refuseDamaged(path);
    if (!saved || longer) await run.update({});
    if (longer && request.longer) {
      const { steps } = longer.options;
      request.note?.(`${path} is trained on, to ${steps} steps in all. ${request.longer.told}`);
    }
  } catch (error) {
    await run.abandonIfEmpty();
    throw error;
  }
  return run;
}

/**
 * Works in a run's folder, and gives it free whatever happens; work that fails before anything was written leaves none, and
 * one that was refused when it was to go on has the options it had. What it learns from must not have changed when it goes on. (Align, which opens its run itself, asks that of each stage.)
 * @throws what `openRun` throws, ConfigError for a file with other content, and what the work does
 */
export async function withRun<T>(request: RunRequest, work: (run: RunFolder) => Promise<T>): Promise<T> {
  const run = await openRun(request);
  try {
    const { inputs, options } = run.config;
    const where = `gimbal ${request.command} --resume`;
    if (request.options.resume)
      await refuseChangedInputs(options, inputs ?? {}, where, run.path, request.note ?? (() => {}));
    else {
      const found = await inputsOf(options);
      if (Object.keys(found).length > 0) await run.update({ inputs: found });
    }
    return await work(run);
  } catch (error) {
    if (isRefusal(error)) await run.putBack();
    await run.abandonIfEmpty();
    throw error;
  } finally {
    await run.release();
  }
}

/** Options that do not go together, or checkpoints that are of others: told before anything is learnt. */
const isRefusal = (error: unknown): boolean =>
  ['ERR_CONFIG', 'ERR_CHECKPOINT'].includes(`${(error as { code?: unknown } | null)?.code}`);

/** The options to run with: a resumed run keeps its own, and goes on with the backend it was started on. */
export function optionsOfRun<O extends { resume: boolean }>(options: O, run: RunFolder): O {
  if (!options.resume) return options;
  const kept = Object.entries(run.config.options).filter(([name]) => !presentational.has(name));
  return { ...options, ...Object.fromEntries(kept), ...run.config.resolved };
}

function unwritable(error: unknown, path: string, where: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return error;
  const what = `the folder cannot be written to (${code})`;
  return new ConfigError({
    where,
    what,
    got: path,
    fix: 'Choose another --out, or change the permissions',
    cause: error,
  });
}

function folder(path: string, start: RunConfig, saved: RunConfig | undefined, release: () => Promise<void>): RunFolder {
  let config = start;
  return {
    path,
    get config() {
      return config;
    },
    async update(parts) {
      config = { ...config, ...parts };
      await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    },
    async putBack() {
      if (saved === undefined) return;
      const { options, resolved } = saved;
      const same = [options, resolved].every((of, i) => of === [config.options, config.resolved][i]);
      if (!same) await this.update({ options, resolved });
    },
    async abandonIfEmpty() {
      await release();
      const names = await readdir(path).catch(() => []);
      const begun = await readdir(join(path, 'stages'), { withFileTypes: true }).catch(() => []);
      // beside a stage's folder lies what it was to be made from: that alone is nothing to go on with
      const isEmpty =
        names.every((name) => name === 'config.json' || name === 'stages') &&
        begun.every((entry) => entry.isFile() && entry.name.endsWith('.json'));
      if (isEmpty) await rm(path, { recursive: true, force: true });
      return isEmpty;
    },
    release,
  };
}

async function fresh(command: string, out: string | undefined, cwd: string): Promise<string> {
  if (out !== undefined) {
    const path = pathOfRun(out, cwd);
    if (await holdsSomething(path)) {
      const fix = 'Add --resume to go on with it, or choose another --out';
      throw new ConfigError({ where: `gimbal ${command} --out`, what: `${path} exists already`, fix });
    }
    await folderFor(path, command);
    return path;
  }
  const runs = join(cwd, 'runs');
  await folderFor(runs, command);
  for (let n = 1; ; n++) {
    const path = join(runs, `${command}-${n}`);
    try {
      await mkdir(path); // fails if another process took the number in between
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

async function folderFor(path: string, command: string): Promise<void> {
  await makeFolder(path).catch((cause: NodeJS.ErrnoException) => {
    const what = `the folder ${cause.path} cannot be made (${cause.code})`;
    throw new ConfigError({ where: `gimbal ${command} --out`, what, got: path, fix: 'Choose another --out', cause });
  });
}

async function existing({ command, options, cwd = '.' }: RunRequest): Promise<string> {
  if (options.out !== undefined) return pathOfRun(options.out, cwd);
  const runs = join(cwd, 'runs');
  const names = await readdir(runs).catch(() => []);
  let newest: { path: string; time: number } | undefined;
  for (const name of names) {
    const path = join(runs, name);
    const config = name.startsWith('.') ? undefined : await readConfig(path);
    if (config?.command !== command) continue;
    const time = Date.parse(config.started);
    if (!newest || time > newest.time) newest = { path, time };
  }
  if (!newest) {
    const fix = `Start one with gimbal ${command}`;
    throw new ConfigError({ where: `gimbal ${command} --resume`, what: `no run of ${command} in ${runs}`, fix });
  }
  return newest.path;
}

/** The configuration with the larger number of steps that was given; undefined where it stays. */
function longerRun({ options, given, longer }: RunRequest, saved: RunConfig): RunConfig | undefined {
  const { steps } = options;
  if (longer === undefined || !given.has('steps') || typeof steps !== 'number') return undefined;
  const was = saved.options.steps ?? longer.steps;
  return typeof was === 'number' && steps > was ? { ...saved, options: { ...saved.options, steps } } : undefined;
}

/** Of a run that is trained on. Trainers keep checkpoints in its folder, or in one below: read before its config changes. */
async function refuseDamaged(path: string): Promise<void> {
  for (const folder of [path, join(path, 'training')])
    await latestCheckpoint(join(folder, 'checkpoints')).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
}

async function refuseOtherConfig(request: RunRequest, config: RunConfig, path: string): Promise<void> {
  const { command, options, given, longer, ownOf, mayDiffer = {}, note, refuseSaved } = request;
  const where = `gimbal ${command} --resume`;
  if (config.command !== command) {
    const fix = `Use gimbal ${config.command} --resume`;
    throw new ConfigError({ where, what: `${path} is a run of another command`, got: config.command, fix });
  }
  refuseSaved?.(config.options);
  for (const name of given.keys()) {
    if (presentational.has(name)) continue;
    // what it found out for itself may be said
    const found = config.options[name] ?? config.resolved?.[name];
    if (JSON.stringify(options[name]) === JSON.stringify(found)) continue;
    if (Object.hasOwn(mayDiffer, name)) {
      note?.(`${path} began with ${wordOf(name, config)}. ${mayDiffer[name]}`);
      continue;
    }
    const was = found ?? (await ownOf?.(path, name).catch(() => undefined));
    throw new ConfigError({
      where,
      what: `--${kebab(name)} differs from the run in ${path}`,
      got: options[name],
      wanted: JSON.stringify(was) ?? wordOf(name, config),
      fix:
        name === 'steps' && longer !== undefined
          ? 'Leave it out to go on with that run, give more to train on, or start a new run without --resume'
          : 'Leave it out to go on with that run, or start a new run without --resume',
    });
  }
}

/** What a run had for an option that it was not given: what it found out, else that it had none. */
function wordOf(name: string, { options, resolved, again }: RunConfig): string {
  const flag = `--${kebab(name)}`;
  const found = options[name] ?? resolved?.[name];
  if (found !== undefined) return `${flag} ${found}`;
  return again?.match(new RegExp(`${flag} \\S+`))?.[0] ?? `no ${flag}`;
}

async function holdsSomething(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && (!found.isDirectory() || (await readdir(path)).length > 0);
}

async function readConfig(path: string): Promise<RunConfig | undefined> {
  try {
    const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as RunConfig | null;
    return config?.command && config.options ? config : undefined;
  } catch {
    return undefined; // no folder, no file, or not one of ours: the caller says what that means
  }
}
