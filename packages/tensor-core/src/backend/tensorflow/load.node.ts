// Loads tfjs-node's kernels and binding from a folder and registers them with the tfjs-core that this program uses.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import util from 'node:util';
import * as tfjs from '@tensorflow/tfjs-core';
import { installedFiles } from '../find-package.node.ts';
import { bindingFile, type TensorFlowInstall } from './install.node.ts';
import type { Binding, TensorFlowBackend } from './tensorflow-backend.ts';

const require = createRequire(import.meta.url);

/** Where the parts lie. */
export interface Parts {
  /** The folder of tfjs-node's package. */
  kernels: string;
  /** The compiled binding. */
  binding: string;
  /** An install of ours, or the user's own package, whose kernels find tfjs by themselves. */
  source: 'install' | 'package';
}

/** The name under which tfjs knows the backend, as tfjs-node itself registers it. */
export const registeredName = 'tensorflow';

/** The parts of an install of ours. */
export const partsOf = ({ folder }: TensorFlowInstall): Parts => ({
  kernels: join(folder, 'node_modules', '@tensorflow', 'tfjs-node'),
  binding: join(folder, bindingFile),
  source: 'install',
});

/** tfjs-node as a user installed it, where its own install script succeeded; undefined elsewhere. */
export function installedPackage(name: '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu'): Parts | undefined {
  for (const file of installedFiles(`${name}/package.json`)) {
    const kernels = dirname(file);
    const binding = join(kernels, 'lib', 'napi-v8', bindingFile);
    if (existsSync(binding)) return { kernels, binding, source: 'package' };
  }
  return undefined;
}

/**
 * Registers the backend `tensorflow`, once a process: a second TensorFlow library cannot be loaded beside the first.
 * @param threads for TensorFlow's operations; default: as many as the process may use
 * @throws what the dynamic linker says
 */
export function loadTensorFlow(parts: Parts, threads = availableParallelism()): TensorFlowBackend {
  // TensorFlow reads these when its library is loaded; what the user has set stands
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // on by default only where the processor has AVX-512; without it depthwise convolutions know no dilations
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // float32 means float32: TensorFlow rounds the operands of products to 10 bits (TF32) on GPUs from Ampere on
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  repairUtil();
  // before the library, which cannot be unloaded
  const [kernelBackend, kernels] = ['nodejs_kernel_backend.js', 'register_all_kernels.js'].map((file) =>
    require.resolve(join(parts.kernels, 'dist', file)),
  ) as [string, string];
  const binding = require(parts.binding) as Binding;
  return withTfjs(parts, () => {
    const { NodeJSKernelBackend } = require(kernelBackend) as {
      NodeJSKernelBackend: new (binding: Binding, packageName: string) => TensorFlowBackend;
    };
    require(kernels);
    // the name of the package changes only what its Conv3D allows on a GPU
    const name = binding.isUsingGpuDevice() ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
    const backend = new NodeJSKernelBackend(binding, name);
    tfjs.registerBackend(registeredName, () => backend, 3);
    return backend;
  });
}

/** Node 23 took away two functions that tfjs-node calls; 22 warns of them. */
function repairUtil(): void {
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null, isArray: Array.isArray });
}

/**
 * The name that an install's `node_modules/@tensorflow/tfjs` finds our tfjs-core under (`gimbal doctor --install` writes
 * that file): the kernels ask for the union package, of which they need nothing else.
 */
const handOver = Symbol.for('gimbal.tensorflow.tfjs');

function withTfjs<T>(parts: Parts, load: () => T): T {
  // the kernels' class is an ES5 function, which calls its base class without `new`
  function KernelBackend(): void {}
  KernelBackend.prototype = tfjs.KernelBackend.prototype;
  const exports = { ...tfjs, KernelBackend };
  if (parts.source === 'install') {
    const globals = globalThis as { [name: symbol]: unknown };
    globals[handOver] = exports;
    try {
      return load();
    } finally {
      delete globals[handOver];
    }
  }
  // A package's kernels find the union package itself: ours stands in for it while they load, unless it is loaded already.
  const fromPackage = createRequire(join(parts.kernels, 'package.json'));
  const names = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'].map((name) => fromPackage.resolve(name));
  const put = names.filter((file) => require.cache[file] === undefined);
  for (const file of put) {
    require.cache[file] = { id: file, filename: file, loaded: true, exports } as unknown as NodeJS.Module;
  }
  try {
    return load();
  } finally {
    for (const file of put) delete require.cache[file];
  }
}
