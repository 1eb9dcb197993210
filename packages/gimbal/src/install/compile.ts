// Compiles tfjs-node's binding, with our functions beside it, against a TensorFlow library.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failed } from './failure.ts';
import type { RunOptions, System } from './system.ts';

export interface Sources {
  /** tfjs-node's folder `binding` */
  binding: string;
  /** node-api-headers' folder `include` */
  nodeApi: string;
  /** our file of it */
  ours: string;
  /** the folder `tensorflow` */
  library: string;
}

/** `$CXX`, with arguments of its own as in `ccache g++`; else g++ (clang++ on macOS). */
export function compiler(system: System): [command: string, ...args: string[]] {
  const { CXX } = process.env;
  if (!CXX?.trim()) return [system.platform === 'darwin' ? 'clang++' : 'g++'];
  return existsSync(CXX) ? [CXX] : (CXX.trim().split(/\s+/) as [string, ...string[]]);
}

/** @throws BackendError with the compiler's last lines */
export async function compile(
  sources: Sources,
  output: string,
  system: System,
  signal: AbortSignal,
  env?: RunOptions['env'],
): Promise<void> {
  const mac = system.platform === 'darwin';
  const libraries = mac
    ? ['-ltensorflow_cc.2', '-ltensorflow_framework.2', '-undefined', 'dynamic_lookup']
    : ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'];
  const [cxx, ...flags] = compiler(system);
  const { code, stderr } = await system.run(
    cxx,
    [
      ...flags,
      ...['-std=gnu++17', '-O2', '-fPIC', '-shared', ...(mac ? [] : ['-s'])],
      ...['-fno-access-control', '-DNAPI_VERSION=8'],
      ...['-I', sources.nodeApi, '-I', sources.binding, '-I', join(sources.library, 'include')],
      ...[sources.ours, '-L', sources.library, ...libraries],
      `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/tensorflow`,
      ...['-o', output],
    ],
    { signal, ...(env && { env }) },
  );
  if (code === 0) return;
  const fix = 'give another compiler (GCC 11 or newer): CXX=<compiler> gimbal doctor --install …';
  throw failed('the binding does not compile', stderr, fix, signal);
}
