// The machine and versions a number was measured with; every table and report names them.

import { readFileSync } from 'node:fs';
import { arch, cpus, freemem, platform, release, totalmem } from 'node:os';
import { versionOf } from '../cli/version.ts';

export interface Machine {
  /** `Intel(R) Xeon(R) …` */
  cpu: string;
  /** cores of the machine; a process may use fewer (see `gimbal doctor`) */
  cores: number;
  memoryBytes: number;
  platform: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() || 'unknown processor',
    cores: all.length,
    memoryBytes: totalmem(),
    platform: `${platform()} ${release()} ${arch()}`,
  };
}

/** Bytes that a new process could use without swapping; Linux's own estimate where there is one. */
export function availableMemory(): number {
  try {
    const available = /MemAvailable:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    if (available !== undefined) return Number(available) * 1024;
  } catch {
    // no /proc here
  }
  return freemem();
}

const named = ['gimbal', '@gimbal/tensor-core', '@gimbal/tensor-native', '@tensorflow/tfjs-core'];

/** Versions of what computes here. */
export function versions(): { [name: string]: string } {
  const found = named.map((name) => [name, versionOf(name)] as const);
  return {
    node: process.version,
    ...Object.fromEntries(found.filter((entry): entry is readonly [string, string] => entry[1] !== undefined)),
  };
}
