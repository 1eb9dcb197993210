// Why an install cannot work on this machine, found out before anything is downloaded.
import { BackendError } from '@gimbal/tensor-core';
import { bytes } from '../cli/format.ts';
import { compiler } from './compile.ts';
import { buildOf, neededBytes, type Target, wheelFor } from './recipe.ts';
import type { System } from './system.ts';

export interface Request {
  target: Target;
  /** `--tensorflow` was given: nothing is downloaded but the binding's sources */
  linked: boolean;
  /** where installs go */
  cache: string;
}

/** The oldest driver that runs CUDA 12. */
const oldestDriver = 525.6;

/**
 * Check that the machine can do it.
 * @returns notes for the user, such as that a platform is untested
 * @throws BackendError with the first reason why not
 */
export async function refuse(request: Request, system: System): Promise<string[]> {
  const { target, linked, cache } = request;
  const notes: string[] = [];
  const stop = (what: string, fix?: string): BackendError =>
    new BackendError({ where: `gimbal doctor --install ${target}`, what, ...(fix !== undefined && { fix }) });

  const platform = `${system.platform}-${system.arch}`;
  if (target === 'node-gpu' && platform !== 'linux-x64') throw stop('node-gpu needs Linux x64 (Windows: use WSL 2)');
  if (!['linux', 'darwin'].includes(system.platform)) throw stop('node needs Linux or macOS (Windows: use WSL 2)');
  if (system.platform === 'linux' && system.glibc === undefined) {
    throw stop('TensorFlow has no musl build; use a Debian-based image');
  }
  if (platform !== 'linux-x64') notes.push(`${target} is untested on ${platform}`);
  if (!linked && wheelFor(target, platform) === undefined) {
    throw stop(`there is no pinned TensorFlow for ${platform}`, 'give one with --tensorflow <site-packages>');
  }

  const works = async (command: string, ...args: string[]): Promise<boolean> =>
    (await system.run(command, args)).code === 0;
  if (!linked && !(await works('python3', '-m', 'pip', '--version'))) {
    throw stop('needs python3 with pip (apt install python3-pip) or --tensorflow <site-packages>');
  }
  if (!(await works(compiler(system), '--version'))) throw stop('needs a C++ compiler (apt install g++)');
  if (!(await works('npm', '--version'))) throw stop('needs npm, which comes with Node');
  const unusable = system.unusable(cache);
  if (unusable !== undefined) {
    throw stop(`nothing can be put into ${cache}: ${unusable}`, 'set XDG_CACHE_HOME to a folder');
  }
  const [need, have] = [neededBytes(target, linked), system.freeBytes(cache)];
  if (have < need) {
    const fix = `free some, or set XDG_CACHE_HOME to a folder on another disk`;
    throw stop(`too little space in ${cache}: needs ${bytes(need)}, has ${bytes(have)}`, fix);
  }
  if (buildOf(target) === 'cuda') await refuseWithoutGpu(system, stop);
  return notes;
}

async function refuseWithoutGpu(system: System, stop: (what: string, fix?: string) => BackendError): Promise<void> {
  const query = ['--query-gpu=driver_version,compute_cap,name', '--format=csv,noheader'];
  const { code, stdout } = await system.run('nvidia-smi', query);
  const [line = ''] = stdout.trim().split('\n');
  const [driver = '', capability = '', name = ''] = line.split(',').map((cell) => cell.trim());
  if (code !== 0 || driver === '') throw stop('no NVIDIA driver: install >= 525.60, or use `node`');
  if (Number.parseFloat(driver) < oldestDriver) {
    throw stop(`the NVIDIA driver ${driver} is too old: install >= 525.60, or use \`node\``);
  }
  if (Number.parseFloat(capability) >= 12) {
    throw stop(`TensorFlow 2.20 cannot run on this GPU (RTX 50); see tensorflow#89272 (${name})`);
  }
}
