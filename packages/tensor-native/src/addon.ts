// Finds and loads the native binary: the platform's own package, else the file that `pnpm build:native` made here.
// Never throws: without a binary everything runs on another backend, and `nativeUnavailableReason` says why.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the binary exports (cc/addon.cc). Addresses and sizes are exact integers in doubles. */
export interface Addon {
  /** Runs the commands in the first `count` words, one behind the other, each `[length, operation, arguments…]`. */
  run(words: Float64Array, count: number): void;
  opId(name: string): number;
  reserve(bytes: number): ArrayBuffer | undefined;
  addressOf(buffer: ArrayBuffer): number;
  commit(address: number, bytes: number): boolean;
  discard(address: number, bytes: number): void;
  setThreads(threads: number): number;
  info(): {
    isa: 'base' | 'avx2' | 'avx512';
    threads: number;
    bf16: boolean;
    amx: boolean;
    l1: number;
    l2: number;
    operations: number;
  };
  setProfiling(on: boolean): void;
  profile(): Record<string, [calls: number, microseconds: number]>;
}

interface Loaded {
  addon?: Addon;
  reason?: string;
}

const require = createRequire(import.meta.url);
// src/ and dist/ lie beside prebuilds/
const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));

function load(): Loaded {
  if (process.env.GIMBAL_NATIVE === 'off') return { reason: 'switched off by GIMBAL_NATIVE=off' };
  const platform = `${process.platform}-${process.arch}`;
  const names = [`@gimbal/tensor-native-${platform}`];
  if (process.platform === 'linux') names.push(`@gimbal/tensor-native-${platform}-musl`);
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return { addon: require(name) as Addon };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'MODULE_NOT_FOUND') reasons.push(`${name}: ${message}`);
    }
  }
  const file = join(packageRoot, 'prebuilds', platform, 'tensor-native.node');
  if (!existsSync(file)) {
    reasons.push(`no binary for ${platform}: neither the package ${names[0]} nor a build in prebuilds/ was found`);
    return { reason: reasons.join('; ') };
  }
  try {
    return { addon: require(file) as Addon };
  } catch (error) {
    reasons.push(`${file}: ${(error as Error).message}`);
    return { reason: reasons.join('; ') };
  }
}

const loaded = load();

/** The native binary, loaded once, or undefined; `nativeUnavailableReason` then says why. */
export function loadAddon(): Addon | undefined {
  return loaded.addon;
}

/** True when a binary for this machine was loaded. */
export function isNativeAvailable(): boolean {
  return loaded.addon !== undefined;
}

/** Why there is no binary, in one sentence; undefined when there is one. */
export function nativeUnavailableReason(): string | undefined {
  return loaded.reason;
}
