// The backends of a page, fastest first.
import type { BackendInfo, BackendName, BackendOptions, BackendReport } from './backend-info.ts';
import { choose, report } from './choose.ts';
import { cpu } from './cpu.ts';
import { wasm } from './wasm.browser.ts';
import { webgpu } from './webgpu.browser.ts';

const candidates = [webgpu, wasm, cpu];

/**
 * Chooses the backend of this page. Call it once, before the first tensor is made.
 * @param name `auto` (default) takes the fastest that works: `webgpu` (if its package was imported), `wasm`, `cpu`
 * @param options `wasmPaths`: the folder that tfjs's three .wasm files are served from; `threads` for `wasm`
 * @returns the backend in use, and why each faster one was passed over
 * @throws BackendError for an unknown name, or a named backend that cannot be used here; ConfigError for bad threads
 * @example await useBackend('auto', { wasmPaths: '/wasm/' });
 */
export function useBackend(name: 'auto' | BackendName = 'auto', options: BackendOptions = {}): Promise<BackendInfo> {
  return choose(candidates, name, options);
}

/** What every backend offers in this page, or why it does not work and what to do about it. */
export function backendReport(options: BackendOptions = {}): Promise<BackendReport[]> {
  return report(candidates, options);
}
