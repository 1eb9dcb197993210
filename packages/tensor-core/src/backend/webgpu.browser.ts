import { findBackendFactory } from '@tensorflow/tfjs-core';
import type { Candidate } from './backend-info.ts';

/** tfjs's WebGPU backend: a page that wants it imports `@tensorflow/tfjs-backend-webgpu` first. */
export const webgpu: Candidate = {
  name: 'webgpu',
  automatic: true,
  async load() {
    const { gpu } = globalThis.navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
    if (gpu === undefined) return { reason: 'this browser has no WebGPU' };
    if ((await gpu.requestAdapter()) == null) return { reason: 'the browser finds no graphics adapter' };
    if (findBackendFactory('webgpu') == null) {
      return {
        reason: '@tensorflow/tfjs-backend-webgpu is not loaded',
        fix: "import '@tensorflow/tfjs-backend-webgpu' before useBackend()",
      };
    }
    return { threads: 1, isa: 'gpu' };
  },
};
