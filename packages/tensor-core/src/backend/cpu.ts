import { findBackend } from '@tensorflow/tfjs-core';
import type { Candidate } from './backend-info.ts';

/** Loads tfjs's cpu backend, which is also what other backends fall back to for a rare kernel. */
export async function loadCpu(): Promise<void> {
  await import('@tensorflow/tfjs-backend-cpu');
  // in Node its first use prints an advertisement; the flag that would silence it silences all warnings
  (findBackend('cpu') as { firstUse?: boolean }).firstUse = false;
}

/** tfjs's plain JavaScript backend: slow, and everywhere. */
export const cpu: Candidate = {
  name: 'cpu',
  automatic: true,
  async load() {
    await loadCpu();
    return { threads: 1 };
  },
};
