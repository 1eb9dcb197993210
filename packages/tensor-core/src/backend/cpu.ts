import { engine, findBackend } from '@tensorflow/tfjs-core';
import type { Candidate } from './backend-info.ts';

/** tfjs's plain JavaScript backend: slow, and everywhere. */
export const cpu: Candidate = {
  name: 'cpu',
  automatic: true,
  async load() {
    await import('@tensorflow/tfjs-backend-cpu');
    // in Node its first use prints an advertisement; the flag that would silence it silences all warnings
    const backend = findBackend('cpu') ?? engine().findBackend('cpu');
    (backend as { firstUse?: boolean }).firstUse = false;
    return { threads: 1 };
  },
};
