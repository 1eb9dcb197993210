// Compiles tfjs-node's binding, with our functions beside it, against a TensorFlow library.
import { join } from 'node:path';
import { BackendError } from '@gimbal/tensor-core';
import type { System } from './system.ts';

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

/** `$CXX`, else g++ (clang++ on macOS). */
export const compiler = (system: System): string =>
  process.env.CXX || (system.platform === 'darwin' ? 'clang++' : 'g++');

/** @throws BackendError with the compiler's last lines */
export async function compile(sources: Sources, output: string, system: System, signal: AbortSignal): Promise<void> {
  const mac = system.platform === 'darwin';
  const libraries = mac
    ? ['-ltensorflow_cc.2', '-ltensorflow_framework.2', '-undefined', 'dynamic_lookup']
    : ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'];
  const { code, stderr } = await system.run(
    compiler(system),
    [
      ...['-std=gnu++17', '-O2', '-fPIC', '-shared', ...(mac ? [] : ['-s'])],
      ...['-fno-access-control', '-DNAPI_VERSION=8'],
      ...['-I', sources.nodeApi, '-I', sources.binding, '-I', join(sources.library, 'include')],
      ...[sources.ours, '-L', sources.library, ...libraries],
      `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/tensorflow`,
      ...['-o', output],
    ],
    { signal },
  );
  if (code === 0) return;
  throw new BackendError({
    where: 'gimbal doctor --install',
    what: `the binding does not compile:\n${lastLines(stderr)}\n`,
    fix: `give another compiler: CXX=<compiler> gimbal doctor --install …`,
  });
}

/** What a program said at its end. */
export const lastLines = (text: string, count = 12): string => text.trimEnd().split('\n').slice(-count).join('\n');
