// Registers the backend when a binary was loaded: importing the package is enough.
import { registerBackend } from '@tensorflow/tfjs-core';
import { loadAddon } from './addon.ts';
import { backend } from './backend.ts';
import { registerKernels } from './kernels/index.ts';
import { defaultThreads } from './threads.ts';

const addon = loadAddon();
if (addon) {
  addon.setThreads(Number(process.env.GIMBAL_THREADS) || defaultThreads());
  registerKernels();
  registerBackend('native', () => backend, 3); // above wasm (2) and cpu (1)
}
