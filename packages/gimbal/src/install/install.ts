// Puts TensorFlow's library and tfjs-node's binding in place, in the user's cache: all of it in a folder beside, which gets
// its name at the very end, so that an install that is stopped leaves nothing that looks like one.
import { readFileSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TensorFlowInstall, type TensorFlowStamp, tensorflowInstalls } from '@gimbal/tensor-core';
import { compile } from './compile.ts';
import { fetchNvidia, fetchPackages, fetchTensorFlow } from './download.ts';
import type { GivenLibrary } from './given-library.ts';
import { buildOf, recipeHash, type Target, tensorflow, wheelFor } from './recipe.ts';
import type { System } from './system.ts';

export interface Plan {
  target: Target;
  /** a library that the user has; undefined: the pinned wheel */
  given: GivenLibrary | undefined;
  /** the user's cache */
  cache: string;
}

/** A step with a name, as progress shows it. */
export type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** Where an install of a plan lies. */
export const folderOf = ({ target, given, cache }: Plan): string =>
  join(cache, `tensorflow-${given?.version ?? tensorflow}-${buildOf(target)}`);

/** The install of this very plan, where it is there. */
export const existing = (plan: Plan): TensorFlowInstall | undefined =>
  tensorflowInstalls(plan.cache).find((one) => one.folder === folderOf(plan) && one.recipe === recipeOf(plan));

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
  await mkdir(plan.cache, { recursive: true });
  const partial = `${folder}.partial-${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  try {
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
  } finally {
    await rm(partial, { recursive: true, force: true });
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
    await step(`TensorFlow ${tensorflow}`, () => fetchTensorFlow(partial, wheel, system, signal));
    if (target === 'node-gpu') await step('CUDA', () => fetchNvidia(partial, system, signal));
  }
  const sources = {
    binding: join(packages, 'tfjs-node', 'binding'),
    nodeApi: join(packages, 'node-api-headers', 'include'),
    ours: source(),
    library,
  };
  await step('binding', () => compile(sources, join(partial, 'tfjs_binding.node'), system, signal));
  await step('kernels', () => placeKernels(packages, join(partial, 'node_modules')));
  if (given === undefined) await rm(join(library, 'include'), { recursive: true });
  await rm(packages, { recursive: true });
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
async function replace(folder: string, partial: string): Promise<void> {
  const old = `${folder}.partial-old-${process.pid}`;
  const wasThere = await rename(folder, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(partial, folder);
  } catch (error) {
    if (wasThere) await rename(old, folder);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

/** Deletes what installs that were killed have left. @returns the folders */
export async function removeLeftovers(cache: string): Promise<string[]> {
  const names = await readdir(cache).catch(() => [] as string[]);
  const removed: string[] = [];
  for (const name of names) {
    const pid = /^tensorflow-.*\.partial-(?:old-)?(\d+)$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(cache, name), { recursive: true, force: true });
    removed.push(join(cache, name));
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

/** Bytes of the files in a folder; links count as nothing. */
async function sizeOf(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) total += await sizeOf(path);
    else if (entry.isFile()) total += (await stat(path)).size;
  }
  return total;
}
