// Puts TensorFlow's library and tfjs-node's binding in place, in the user's cache: all of it in a folder beside, which gets
// its name at the very end, so that an install that is stopped leaves nothing that looks like one.
import { readFileSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoppedError, type TensorFlowInstall, type TensorFlowStamp, tensorflowInstalls } from '@gimbal/tensor-core';
import { compile } from './compile.ts';
import { fetchNvidia, fetchPackages, fetchTensorFlow, temporary, unpackTensorFlow } from './download.ts';
import { inWords, where } from './failure.ts';
import type { GivenLibrary } from './given-library.ts';
import { buildOf, nvidiaDownloadBytes, recipeHash, type Target, tensorflow, wheelFor } from './recipe.ts';
import type { System } from './system.ts';

export interface Plan {
  target: Target;
  /** a library that the user has; undefined: the pinned wheel */
  given: GivenLibrary | undefined;
  /** the user's cache */
  cache: string;
}

/** A step with a name, as progress shows it; `grows` is a folder that it fills, and with how many bytes. */
export type Step = <T>(name: string, work: () => Promise<T>, grows?: Grows) => Promise<T>;

export interface Grows {
  folder: string;
  bytes: number;
}

/** Where an install of a plan lies. */
export const folderOf = ({ target, given, cache }: Plan): string =>
  join(cache, `tensorflow-${given?.version ?? tensorflow}-${buildOf(target)}`);

/** The install of this very plan, where all of it is there. */
export async function existing(plan: Plan): Promise<TensorFlowInstall | undefined> {
  const is = (one: TensorFlowInstall): boolean => one.folder === folderOf(plan) && one.recipe === recipeOf(plan);
  const found = tensorflowInstalls(plan.cache).find(is);
  // what was deleted of it is missed here, before it is missed by what loads it
  return found !== undefined && (await sizeOf(found.folder)) >= found.bytes ? found : undefined;
}

const recipeOf = ({ target, given }: Plan): string => recipeHash(target, readFileSync(source(), 'utf8'), given?.folder);

/** Our C++ file: src/ and dist/ lie beside cc/, at any depth. */
function source(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'cc', 'tensorflow-binding.cc');
    try {
      readFileSync(file);
      return file;
    } catch (error) {
      if (dirname(folder) === folder) throw error;
      folder = dirname(folder);
    }
  }
}

/** Does the work of a plan. @returns the install */
export async function install(plan: Plan, system: System, step: Step, signal: AbortSignal): Promise<TensorFlowInstall> {
  const folder = folderOf(plan);
  const partial = `${folder}.partial-${maker}`;
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await build(plan, partial, system, step, signal);
    const stamp: TensorFlowStamp = {
      build: buildOf(plan.target),
      version: plan.given?.version ?? tensorflow,
      ...(plan.given !== undefined && { linkedFrom: plan.given.folder }),
      recipe: recipeOf(plan),
      bytes: await sizeOf(partial),
      installed: new Date().toISOString(),
    };
    await writeFile(join(partial, 'install.json'), `${JSON.stringify(stamp, null, 2)}\n`);
    signal.throwIfAborted();
    await replace(folder, partial);
    return { ...stamp, folder };
  } catch (error) {
    if (signal.aborted) throw new StoppedError({ where, what: 'nothing was installed' });
    throw inWords(error);
  } finally {
    await rm(partial, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function build(plan: Plan, partial: string, system: System, step: Step, signal: AbortSignal): Promise<void> {
  const packages = join(partial, 'packages');
  await step('tfjs-node', () => fetchPackages(packages, system, signal));
  const library = join(partial, 'tensorflow');
  const { given, target } = plan;
  if (given !== undefined) await symlink(given.folder, library);
  else {
    const wheel = wheelFor(target, `${system.platform}-${system.arch}`);
    if (wheel === undefined) throw new Error('refuse() lets no other platform through');
    const file = await step(`TensorFlow ${tensorflow}`, () => fetchTensorFlow(partial, wheel, system, signal), {
      folder: partial,
      bytes: wheel.downloadBytes,
    });
    await step('unpacking', () => unpackTensorFlow(file, partial, system, signal));
    if (target === 'node-gpu') {
      const grows = { folder: partial, bytes: nvidiaDownloadBytes };
      await step('CUDA', () => fetchNvidia(partial, system, signal), grows);
    }
  }
  const sources = {
    binding: join(packages, 'tfjs-node', 'binding'),
    nodeApi: join(packages, 'node-api-headers', 'include'),
    ours: source(),
    library,
  };
  const env = await temporary(partial);
  await step('binding', () => compile(sources, join(partial, 'tfjs_binding.node'), system, signal, env));
  await step('kernels', () => placeKernels(packages, join(partial, 'node_modules')));
  if (given === undefined) await rm(join(library, 'include'), { recursive: true });
  await rm(packages, { recursive: true });
  await rm(env.TMPDIR, { recursive: true });
}

/** What the kernels ask for by the name of the union package is the tfjs-core of the program that loads them. */
const handOver = `// tensor-core puts the program's own tfjs-core here while it loads the kernels (backend/tensorflow/load.node.ts)
module.exports = globalThis[Symbol.for('gimbal.tensorflow.tfjs')];
`;

async function placeKernels(packages: string, modules: string): Promise<void> {
  const tfjsNode = join(modules, '@tensorflow', 'tfjs-node');
  await mkdir(tfjsNode, { recursive: true });
  for (const part of ['dist', 'package.json']) {
    await cp(join(packages, 'tfjs-node', part), join(tfjsNode, part), { recursive: true });
  }
  await cp(join(packages, 'google-protobuf'), join(modules, 'google-protobuf'), { recursive: true });
  for (const name of ['tfjs', 'tfjs-core']) {
    const folder = join(modules, '@tensorflow', name);
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), `{ "name": "@tensorflow/${name}", "main": "index.js" }\n`);
    await writeFile(join(folder, 'index.js'), handOver);
  }
}

/** The folder gets its name; one that has it goes first, and comes back if that fails. */
export async function replace(folder: string, partial: string): Promise<void> {
  const old = `${folder}.partial-old-${maker}`;
  for (let attempts = 3; ; attempts--) {
    const wasThere = await rename(folder, old).then(() => true, absent);
    try {
      await rename(partial, folder);
    } catch (error) {
      // another install of the same was faster, between the two lines above: it goes as an older one does
      const { code } = error as NodeJS.ErrnoException;
      if (!wasThere && (code === 'ENOTEMPTY' || code === 'EEXIST') && attempts > 0) continue;
      if (wasThere) await rename(old, folder);
      throw error;
    }
    await rm(old, { recursive: true, force: true });
    return;
  }
}

function absent(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}

/** Who makes a folder: caches are shared between machines and containers, where numbers of processes come again. */
const host = hostname().replace(/[^\w.-]/g, '_') || 'here';
const maker = `${host}-${process.pid}`;

const oneDayMs = 24 * 3600 * 1000;

/** Deletes what installs that were killed have left, on other machines after a day. @returns the folders */
export async function removeLeftovers(cache: string): Promise<string[]> {
  const names = await readdir(cache).catch(() => [] as string[]);
  const removed: string[] = [];
  for (const name of names) {
    const made = /^tensorflow-.*\.partial-(?:old-)?(?:(.+)-)?(\d+)$/.exec(name);
    if (made === null) continue;
    const path = join(cache, name);
    try {
      const isOurs = (made[1] ?? host) === host;
      if (isOurs ? isAlive(Number(made[2])) : Date.now() - (await stat(path)).mtimeMs < oneDayMs) continue;
      await rm(path, { recursive: true, force: true });
      removed.push(path);
    } catch {
      // what cannot be deleted is in nobody's way
    }
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Bytes of the files in a folder; links, and what vanishes meanwhile, count as nothing. */
export async function sizeOf(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) total += await sizeOf(path);
    else if (entry.isFile())
      total += await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
  }
  return total;
}
