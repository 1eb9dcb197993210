// Google's TensorFlow library behind tfjs-node's binding: on an NVIDIA GPU (`node-gpu`), or on the CPU (`node`), a
// reference to test against.
import { availableParallelism } from 'node:os';
import { findBackend } from '@tensorflow/tfjs-core';
import type { BackendOptions, Candidate, Offer, Refusal } from '../backend-info.ts';
import { loadCpu } from '../cpu.ts';
import { keepConstants } from './constants.ts';
import { fewerOperations } from './fewer-operations.ts';
import { registerFused } from './fused/index.ts';
import { hasDriver } from './gpu.node.ts';
import { findInstall } from './install.node.ts';
import { installedPackage, loadTensorFlow, type Parts, partsOf, registeredName } from './load.node.ts';
import { refusalOfLoadError } from './load-error.ts';
import { type Probed, probe } from './probe.node.ts';
import { improveBackend } from './read-and-write.ts';
import type { TensorFlowBackend } from './tensorflow-backend.ts';

type Name = 'node' | 'node-gpu';

/** TensorFlow on an NVIDIA GPU. */
export const nodeGpu: Candidate = {
  name: 'node-gpu',
  automatic: true,
  load: (options) => load('node-gpu', options),
  look: (options) => look('node-gpu', options),
};

/** TensorFlow on the CPU. */
export const node: Candidate = {
  name: 'node',
  automatic: false,
  load: (options) => load('node', options),
  look: (options) => look('node', options),
};

/** Of the library that this process has loaded, which it keeps. */
let whyNoGpu = 'the TensorFlow library that this process has loaded computes on the CPU';

async function load(name: Name, options: BackendOptions): Promise<Offer | Refusal> {
  await loadCpu(); // for kernels that TensorFlow lacks
  let backend = findBackend(registeredName) as TensorFlowBackend | null;
  if (backend === null) {
    const found = partsFor(name);
    if ('reason' in found) return found;
    let parts: Parts;
    try {
      [backend, parts] = loadFirst(await withGpuFirst(name, found), options.threads);
    } catch (error) {
      return refusalOfLoadError(error, name);
    }
    improveBackend(backend);
    keepConstants(backend);
    fewerOperations();
    registerFused(backend);
    if (name === 'node-gpu' && !backend.isUsingGpuDevice) whyNoGpu = (await probe(parts.binding)).said;
  }
  if (name === 'node-gpu' && !backend.isUsingGpuDevice) return noGpu(whyNoGpu);
  return offer(backend.isUsingGpuDevice, backend.binding.TF_Version, options);
}

/** Asks a process of its own: a TensorFlow library stays in the process that loads it, and a second one does not fit in. */
async function look(name: Name, options: BackendOptions): Promise<Offer | Refusal> {
  const loaded = findBackend(registeredName) as TensorFlowBackend | null;
  if (loaded !== null) return load(name, options);
  const parts = partsFor(name);
  if ('reason' in parts) return parts;
  let found: Probed | undefined;
  for (const { binding } of await withGpuFirst(name, parts)) {
    found = await probe(binding);
    if (found.error === undefined) break;
  }
  if (found?.error !== undefined) return refusalOfLoadError(new Error(found.error), name);
  if (name === 'node-gpu' && !found?.gpu) return noGpu(found?.said ?? '');
  return offer(found?.gpu ?? false, found?.version ?? '', options);
}

/** Of several libraries, those that find a GPU come first where one is wanted: the first that loads stays. */
async function withGpuFirst(name: Name, found: readonly Parts[]): Promise<readonly Parts[]> {
  if (name === 'node' || found.length < 2) return found;
  const probed = await Promise.all(found.map(({ binding }) => probe(binding)));
  const those = (gpu: boolean): Parts[] => found.filter((_, i) => probed[i]?.gpu === gpu);
  return [...those(true), ...those(false)];
}

/** @throws what the linker says of the last, where none loads */
function loadFirst(found: readonly Parts[], threads: number | undefined): [TensorFlowBackend, Parts] {
  let why: unknown;
  for (const parts of found) {
    try {
      return [loadTensorFlow(parts, threads), parts];
    } catch (error) {
      why = error;
    }
  }
  throw why;
}

function offer(gpu: boolean, version: string, { threads }: BackendOptions): Offer {
  const device = gpu ? 'GPU' : 'CPU';
  return {
    // TensorFlow reads the variable once: what was set first stands
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS) || (threads ?? availableParallelism()),
    isa: `TensorFlow ${version} on the ${device}`,
    registeredAs: registeredName,
  };
}

/**
 * Where the parts of a backend lie: tfjs-node as the user installed it, then an install of ours, which also serves where
 * that package does not load.
 */
function partsFor(name: Name): Parts[] | Refusal {
  const { GIMBAL_TENSORFLOW: given } = process.env;
  const parts = given ? undefined : installedPackage(packageOf[name]);
  const install = findInstall(buildsOf[name]);
  const found = [...(parts ? [parts] : []), ...(install ? [partsOf(install)] : [])];
  if (found.length > 0) return name === 'node-gpu' && !hasDriver() ? noGpu('there is no NVIDIA driver') : found;
  // without a driver the install is refused
  const driver = name === 'node-gpu' && !hasDriver() ? 'with an NVIDIA GPU: install its driver >= 525.60, then ' : '';
  const fix = `${driver}gimbal doctor --install ${name}`;
  if (!given) return { reason: 'the TensorFlow library is not installed', fix };
  return {
    reason: `GIMBAL_TENSORFLOW names no install (${given})`,
    fix: `unset it; where nothing else is installed, ${fix}`,
  };
}

const packageOf = { node: '@tensorflow/tfjs-node', 'node-gpu': '@tensorflow/tfjs-node-gpu' } as const;
/** The library with CUDA computes on the CPU too. */
const buildsOf = { node: ['cpu', 'cuda'], 'node-gpu': ['cuda'] } as const;

const noGpu = (said: string): Refusal => ({
  reason: `TensorFlow finds no GPU (${said})`,
  fix: 'check the driver with nvidia-smi; `gimbal doctor` shows what TensorFlow says',
  // not TensorFlow on the CPU, which is slower
  instead: 'native',
});
