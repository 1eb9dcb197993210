// How many CPUs Linux's control groups leave to the process. A group may lie inside others (a container's inside its pod's,
// a service's inside its slice's), and each may have a quota: the least of them holds.
import { readFileSync } from 'node:fs';

/** A file's text, or undefined where it cannot be read. */
export type ReadText = (file: string) => string | undefined;

const readText: ReadText = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // not Linux, or no such controller
  }
};

/** A mounted hierarchy of groups: `root` is the group that shows at `folder`. */
interface Mount {
  type: string;
  root: string;
  folder: string;
  controllers: readonly string[];
}

/**
 * CPUs that the quotas of the process's control group and of those around it allow, of version 2 and 1; Infinity without any.
 * @param read reads a file: the system's, or a test's
 */
export function cgroupQuota(read: ReadText = readText): number {
  const mounts = lines(read('/proc/self/mountinfo')).map(mountOf);
  const quotas = [Infinity];
  for (const line of lines(read('/proc/self/cgroup'))) {
    // number:controllers:path; version 2 has number 0 and no controllers
    const [number = '', controllers = '', ...path] = line.split(':');
    const isSecond = number === '0' && controllers === '';
    if (!isSecond && !controllers.split(',').includes('cpu')) continue;
    const mount = mounts.find((m) =>
      isSecond ? m.type === 'cgroup2' : m.type === 'cgroup' && m.controllers.includes('cpu'),
    );
    if (mount === undefined) continue;
    for (const folder of foldersOf(mount, path.join(':'))) quotas.push(quotaOf(folder, isSecond, read));
  }
  return Math.min(...quotas);
}

const lines = (text: string | undefined): string[] => text?.split('\n').filter((line) => line !== '') ?? [];

/** `id parent device root folder options… - type source controllers`, with spaces in paths as `\040`. */
function mountOf(line: string): Mount {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '', folder = ''] = before.split(' ').map(unescapeOctal);
  const [type = '', , controllers = ''] = after.split(' ');
  return { type, root, folder, controllers: controllers.split(',') };
}

const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));

/** Folders of a group and of all around it, as far as they show; where the group itself does not, of the one that does. */
function foldersOf({ root, folder }: Mount, path: string): string[] {
  const above = root === '/' ? '' : root;
  const inside = path === above || path.startsWith(`${above}/`) ? path.slice(above.length) : '';
  const parts = inside.split('/').filter((part) => part !== '');
  // '..': the process was moved out of what its name space shows
  if (parts.includes('..')) return [folder];
  return [folder, ...parts.map((_, i) => `${folder}/${parts.slice(0, i + 1).join('/')}`)];
}

/** CPUs of one group: quota over period. `max` and -1 mean no limit. */
function quotaOf(folder: string, isSecond: boolean, read: ReadText): number {
  const [quota, period] = isSecond
    ? (read(`${folder}/cpu.max`)?.trim().split(' ') ?? [])
    : ['quota', 'period'].map((name) => read(`${folder}/cpu.cfs_${name}_us`)?.trim());
  const cpus = Number(quota) / Number(period);
  return cpus > 0 ? cpus : Infinity;
}
