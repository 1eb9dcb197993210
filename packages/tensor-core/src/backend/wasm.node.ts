import { env } from '@tensorflow/tfjs-core';
import type { Candidate } from './backend-info.ts';
import { loadCpu } from './cpu.ts';

/** tfjs's WebAssembly backend. In Node it runs on one thread: its thread pool needs browser workers. */
export const wasm: Candidate = {
  name: 'wasm',
  automatic: true,
  async load() {
    await import('@tensorflow/tfjs-backend-wasm');
    await loadCpu();
    const simd = await env().getAsync('WASM_HAS_SIMD_SUPPORT');
    const [thrown, rejected] = [process.listeners('uncaughtException'), process.listeners('unhandledRejection')];
    return {
      threads: 1,
      isa: simd ? 'simd128' : 'wasm',
      // its loader installs process-wide handlers that turn every unhandled error into a page of minified code
      started() {
        for (const f of process.listeners('uncaughtException'))
          if (!thrown.includes(f)) process.off('uncaughtException', f);
        for (const f of process.listeners('unhandledRejection'))
          if (!rejected.includes(f)) process.off('unhandledRejection', f);
      },
    };
  },
};
