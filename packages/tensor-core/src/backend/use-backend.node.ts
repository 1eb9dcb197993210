// The backends of Node, fastest first.
import type { BackendInfo, BackendName, BackendOptions, BackendReport } from './backend-info.ts';
import { choose, report } from './choose.ts';
import { cpu } from './cpu.ts';
import { native } from './native.node.ts';
import { node, nodeGpu } from './tensorflow/candidates.node.ts';
import { wasm } from './wasm.node.ts';
import { webgpu } from './webgpu.node.ts';

const candidates = [nodeGpu, native, node, webgpu, wasm, cpu];

/**
 * Chooses the backend of this process. Call it once, before the first tensor is made.
 * @param name `auto` (default) takes the fastest that works: `node-gpu`, `native`, `wasm`, `cpu`
 * @param options `threads`: default is the cores this process may use, one inside a worker
 * @returns the backend in use, and why each faster one was passed over
 * @throws BackendError for an unknown name, or a named backend that cannot be used here; ConfigError for bad threads
 * @example const { name, passedOver } = await useBackend();
 */
export function useBackend(name: 'auto' | BackendName = 'auto', options: BackendOptions = {}): Promise<BackendInfo> {
  return choose(candidates, name, options);
}

/** What every backend offers here, or why it does not work and what to do about it: the table of `gimbal doctor`. */
export function backendReport(options: BackendOptions = {}): Promise<BackendReport[]> {
  return report(candidates, options);
}
