// tfjs's WebGPU backend in Node, on Dawn's bindings (npm's `webgpu`): two packages that the user installs. Never chosen
// by itself: a tensor's values cannot be read at once here (`dataSync`), which programs for Node take for granted.
import { pathToFileURL } from 'node:url';
import { findBackend, findBackendFactory } from '@tensorflow/tfjs-core';
import { BackendError } from '../errors.ts';
import { type Candidate, isRefusal, type Offer, type Refusal } from './backend-info.ts';
import { installCommand, installedFiles } from './find-package.node.ts';

/** What is used of WebGPU's `GPU` and its adapters. */
interface Gpu {
  requestAdapter(options?: { powerPreference: string }): Promise<Adapter | null>;
}
interface Adapter {
  info?: { vendor?: string; architecture?: string; description?: string; isFallbackAdapter?: boolean };
}

/** Where the two packages come from. */
export interface WebGpuPackages {
  /** Dawn's bindings; undefined where they are not installed. @throws what loading them says */
  bindings(): Promise<{ create(flags: string[]): Gpu; globals: object } | undefined>;
  /** Loads tfjs's kernels, which register themselves where `navigator.gpu` is; undefined where not installed. */
  kernels(): (() => Promise<unknown>) | undefined;
}

const kernelsPackage = '@tensorflow/tfjs-backend-webgpu';

const installed: WebGpuPackages = {
  async bindings() {
    const [file] = installedFiles('webgpu');
    return file === undefined ? undefined : import(pathToFileURL(file).href);
  },
  kernels() {
    const [file] = installedFiles(kernelsPackage);
    return file === undefined ? undefined : () => import(pathToFileURL(file).href);
  },
};

/** The candidate on packages from anywhere. @param system for the advice where no adapter answers */
export function webgpuFrom(packages: WebGpuPackages, system: string = process.platform): Candidate {
  // one for the process, alive as long as its devices
  let gpu: Gpu | undefined;

  async function look(): Promise<Offer | Refusal> {
    if (packages.kernels() === undefined)
      return { reason: `${kernelsPackage} is not installed`, fix: installCommand('webgpu', kernelsPackage) };
    try {
      gpu ??= (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu;
      if (gpu === undefined) {
        const bindings = await packages.bindings();
        if (bindings === undefined)
          return { reason: 'webgpu is not installed', fix: installCommand('webgpu', kernelsPackage) };
        gpu = bindings.create([]);
        // constants such as GPUBufferUsage, which pages have
        Object.assign(globalThis, bindings.globals);
      }
      const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
      if (adapter == null) return { reason: 'no graphics adapter answers', fix: adviceFor(system) };
      return { threads: 1, isa: nameOf(adapter) };
    } catch (error) {
      return refusalOf(error);
    }
  }

  return {
    name: 'webgpu',
    automatic: false,
    look,
    async load() {
      const found = await look();
      if (isRefusal(found)) return found;
      offerToPage(gpu as Gpu);
      await packages.kernels()?.();
      if (findBackendFactory('webgpu') == null) {
        return { reason: `${kernelsPackage} has a tfjs-core of its own`, fix: 'npm dedupe' };
      }
      return { ...found, started: refuseReadSync };
    },
  };
}

/** tfjs's WebGPU backend on Dawn. */
export const webgpu = webgpuFrom(installed);

const nameOf = ({ info = {} }: Adapter): string => {
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'gpu';
  return info.isFallbackAdapter ? `${name} (software)` : name;
};

function adviceFor(system: string): string {
  if (system !== 'linux') return "install the graphics card's driver";
  return "install the Vulkan loader and the graphics card's driver (Debian: libvulkan1, mesa-vulkan-drivers)";
}

/** What loading the bindings says, as a reason. */
function refusalOf(error: unknown): Refusal {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND') {
    return { reason: `webgpu has no binary for ${process.platform}-${process.arch}`, fix: "use 'auto'" };
  }
  const said = String(message ?? error).split('\n')[0];
  return { reason: `webgpu does not load (${said})`, fix: "update the system's libraries, or use 'auto'" };
}

/** Puts `navigator.gpu` where tfjs looks for it. Node has a navigator from version 21 on. */
function offerToPage(gpu: Gpu): void {
  const scope = globalThis as { navigator?: object };
  if (scope.navigator === undefined) {
    Object.defineProperty(scope, 'navigator', { value: {}, configurable: true, writable: true });
  }
  if ('gpu' in (scope.navigator as object)) return;
  Object.defineProperty(scope.navigator, 'gpu', { value: gpu, configurable: true, writable: true });
}

interface ReadableBackend {
  tensorMap: { get(id: object): { values?: unknown; dtype: string } };
  readSync(id: object): unknown;
}

let refuses: ReadableBackend | undefined;

/** tfjs reads a GPU at once through a canvas, which Node has not: a typed error in place of a missing global. */
function refuseReadSync(): void {
  const backend = findBackend('webgpu') as unknown as ReadableBackend;
  if (backend === refuses || typeof OffscreenCanvas !== 'undefined') return;
  refuses = backend;
  const stock = backend.readSync;
  backend.readSync = function (this: ReadableBackend, id) {
    const { values, dtype } = this.tensorMap.get(id);
    // still on this side, or made of two tensors that are asked for in turn
    if (values != null || dtype === 'string' || dtype === 'complex64') return stock.call(this, id);
    throw new BackendError({
      where: 'dataSync',
      what: 'on webgpu in Node a tensor cannot be read at once',
      fix: "Read it with `await tensor.data()`, or compute on 'native'",
    });
  };
}
