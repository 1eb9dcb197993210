import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { env } from '@tensorflow/tfjs-core';
import type { Candidate, Offer } from './backend-info.ts';
import { loadCpu } from './cpu.ts';

/**
 * tfjs's WebAssembly backend in a page. Threads need a page that is cross-origin isolated (COOP and COEP headers), else
 * it runs on one.
 */
export const wasm: Candidate = {
  name: 'wasm',
  automatic: true,
  async load({ threads, wasmPaths }) {
    await loadCpu();
    if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
    if (threads !== undefined) setThreadsCount(threads);
    const [simd, threaded] = await Promise.all([
      env().getAsync('WASM_HAS_SIMD_SUPPORT'),
      env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'),
    ]);
    const offer: Offer = { threads: 1, isa: simd ? 'simd128' : 'wasm' };
    if (threaded) {
      // known only once it runs
      offer.started = () => {
        offer.threads = getThreadsCount();
      };
    }
    return offer;
  },
};
