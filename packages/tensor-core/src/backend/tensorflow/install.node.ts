// The folders that hold TensorFlow's library with tfjs-node's binding, one for each build, in the user's cache:
//
//   <user cache>/gimbal/tensorflow-2.20.0-cpu/
//     install.json                        what it is; written last, so that a folder without it is no install
//     tfjs_binding.node                   the binding, compiled for this machine
//     tensorflow/libtensorflow_*.so.2     the library (or `tensorflow` is a link to a Python environment's)
//     nvidia/                             CUDA, in the build for GPUs
//     node_modules/@tensorflow/tfjs-node  the kernels in JavaScript, as npm has them
//
// `gimbal doctor --install` makes them; this module finds them.
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { BackendError } from '../../errors.ts';

/** Which build of TensorFlow's library: for the CPU alone, or with CUDA. */
export type TensorFlowBuild = 'cpu' | 'cuda';

/** What an install says about itself (`install.json`). */
export interface TensorFlowStamp {
  /** The build of the library. */
  build: TensorFlowBuild;
  /** TensorFlow's version, as its library says it. */
  version: string;
  /** The Python environment that the library is linked from; absent where the folder holds its own. */
  linkedFrom?: string;
  /** What made the folder, as a hash of the recipe: another recipe makes another folder. */
  recipe: string;
  /** Bytes on the disk, without what is linked. */
  bytes: number;
  /** When it was put in place, ISO 8601. */
  installed: string;
}

/** An install that is there. */
export interface TensorFlowInstall extends TensorFlowStamp {
  /** Absolute path of its folder; deleting it removes the install. */
  folder: string;
}

/** The file of the binding in an install. */
export const bindingFile = 'tfjs_binding.node';

/** The file that makes a folder an install. */
const stampFile = 'install.json';

/**
 * The user's cache for Gimbal: `$XDG_CACHE_HOME/gimbal` where that is absolute, else where the platform keeps caches.
 * @throws BackendError where this user has no home folder
 */
export function userCache(): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  // the XDG rules: a relative path counts as none
  if (xdg && isAbsolute(xdg)) return join(xdg, 'gimbal');
  if (process.platform === 'darwin') return join(home(), 'Library', 'Caches', 'gimbal');
  if (process.platform === 'win32' && local) return join(local, 'gimbal', 'cache');
  return join(home(), '.cache', 'gimbal');
}

function home(): string {
  let folder: string | undefined;
  try {
    folder = homedir();
  } catch {
    // no HOME, and a user whom the system does not know, as in containers
  }
  if (folder !== undefined && isAbsolute(folder)) return folder;
  throw new BackendError({
    where: 'the cache of TensorFlow',
    what: 'this user has no home folder to keep it in',
    fix: 'set HOME, or XDG_CACHE_HOME to a folder by its absolute path',
  });
}

/**
 * The installs of TensorFlow that `gimbal doctor --install` has put in place, the newest first; none where the cache cannot
 * be read.
 * @param cache the folder to look in; default: the user's cache
 */
export function tensorflowInstalls(cache?: string): TensorFlowInstall[] {
  let folder: string;
  let names: string[];
  try {
    folder = cache ?? userCache();
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const found = names
    .filter((name) => /^tensorflow-[\w.]+-(cpu|cuda)$/.test(name))
    .flatMap((name) => readInstall(join(folder, name)) ?? []);
  return found.sort((a, b) => b.installed.localeCompare(a.installed));
}

/**
 * The install of a build, the newest where there are several.
 * GIMBAL_TENSORFLOW names a folder to take instead of looking, whatever its build.
 */
export function findInstall(builds: readonly TensorFlowBuild[]): TensorFlowInstall | undefined {
  const { GIMBAL_TENSORFLOW: folder } = process.env;
  if (folder) return readInstall(resolve(folder));
  const installs = tensorflowInstalls();
  return builds.map((build) => installs.find((one) => one.build === build)).find((one) => one !== undefined);
}

/** The install in a folder; undefined where its stamp is missing or unreadable, as after an interrupted removal. */
function readInstall(folder: string): TensorFlowInstall | undefined {
  try {
    const stamp = JSON.parse(readFileSync(join(folder, stampFile), 'utf8')) as TensorFlowStamp | null;
    return isStamp(stamp) ? { ...stamp, folder } : undefined;
  } catch {
    return undefined;
  }
}

const isStamp = (stamp: TensorFlowStamp | null): stamp is TensorFlowStamp =>
  stamp !== null &&
  ['cpu', 'cuda'].includes(stamp.build) &&
  [stamp.version, stamp.recipe, stamp.installed].every((text) => typeof text === 'string') &&
  typeof stamp.bytes === 'number';
