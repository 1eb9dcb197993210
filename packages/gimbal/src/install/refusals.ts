// Why an install cannot work on this machine, found out before anything is downloaded.
import { BackendError } from '@gimbal/tensor-core';
import { bytes } from '../cli/format.ts';
import { compiler } from './compile.ts';
import { buildOf, neededBytes, type Target, wheelFor } from './recipe.ts';
import type { Ended, System } from './system.ts';

export interface Request {
  target: Target;
  /** `--tensorflow` was given: nothing is downloaded but the binding's sources */
  linked: boolean;
  /** where installs go */
  cache: string;
}

/** The oldest driver that runs CUDA 12. */
const oldestDriver = [525, 60];

/** The oldest pip that fetches for another Python than its own, by a version with a dot. */
const oldestPip = [19, 2];

/** A driver that hangs answers no question. */
const probeMs = 30_000;

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
    (await system.run(command, args, { timeoutMs: probeMs })).code === 0;
  // not where the user is: Python takes a pip.py there for pip
  const pip = (): Promise<Ended> => system.run('python3', ['-m', 'pip', '--version'], { cwd: '/', timeoutMs: probeMs });
  if (!linked) {
    const { code, stdout } = await pip();
    if (code !== 0) throw stop('needs python3 with pip (apt install python3-pip) or --tensorflow <site-packages>');
    const version = /^pip (\d+(?:\.\d+)*)/m.exec(stdout)?.[1];
    if (version !== undefined && isOlder(version, oldestPip)) {
      const fix = 'python3 -m pip install --user --upgrade pip, or --tensorflow <site-packages>';
      throw stop(`needs pip >= ${oldestPip.join('.')}, python3 has ${version}`, fix);
    }
  }
  const [cxx, ...flags] = compiler(system);
  if (!(await works(cxx, ...flags, '--version'))) {
    const given = process.env.CXX ? `CXX names none that works: ${process.env.CXX}` : undefined;
    throw stop('needs a C++ compiler (apt install g++)', given);
  }
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
  if (buildOf(target) === 'cuda') notes.push(...(await refuseWithoutGpu(system, stop)));
  return notes;
}

/** CUDA's part of the driver, which a container may lack beside a working nvidia-smi. Loading it ends in an error either way. */
const findCuda = `
try { process.dlopen({ exports: {} }, 'libcuda.so.1'); } catch (error) {
  if (/cannot open shared object file/.test(error.message)) process.exit(3);
}`;

async function refuseWithoutGpu(system: System, stop: (what: string, fix?: string) => BackendError): Promise<string[]> {
  const ask = async (fields: string): Promise<string[][]> => {
    const args = [`--query-gpu=${fields}`, '--format=csv,noheader'];
    const { code, stdout } = await system.run('nvidia-smi', args, { timeoutMs: probeMs });
    if (code !== 0) return [];
    const lines = stdout.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => line.split(',').map((cell) => cell.trim()));
  };
  const gpus = await ask('driver_version,compute_cap,name');
  // drivers before 510 know no compute_cap
  const driver = (gpus[0] ?? (await ask('driver_version'))[0])?.[0];
  if (driver === undefined) throw stop('no NVIDIA driver: install >= 525.60, or use `node`');
  if (!/^\d+\./.test(driver))
    throw stop(`no NVIDIA GPU answers: nvidia-smi says "${driver}"`, 'check it, or use `node`');
  if (isOlder(driver, oldestDriver)) {
    throw stop(`the NVIDIA driver ${driver} is too old: install >= 525.60, or use \`node\``);
  }
  const { code } = await system.run(process.execPath, ['-e', findCuda], { timeoutMs: probeMs });
  if (code === 3) {
    const fix =
      'in a container, start it with NVIDIA_DRIVER_CAPABILITIES=compute,utility; elsewhere install the driver anew';
    throw stop('no NVIDIA driver: libcuda.so.1 is missing', fix);
  }
  const tooNew = gpus.filter(([, capability = '']) => Number.parseFloat(capability) >= 12);
  if (tooNew.length > 0 && tooNew.length === gpus.length) {
    throw stop(`TensorFlow 2.20 cannot run on this GPU (RTX 50); see tensorflow#89272 (${tooNew[0]?.[2]})`);
  }
  return tooNew.map(
    ([, , name]) => `TensorFlow 2.20 cannot run on the ${name}: show it another by CUDA_VISIBLE_DEVICES`,
  );
}

function isOlder(version: string, than: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = than.findIndex((part, i) => (parts[i] ?? 0) !== part);
  return at >= 0 && (parts[at] ?? 0) < (than[at] as number);
}
