// Registers the backend when a binary was loaded: importing the package is enough.
import { registerBackend } from '@tensorflow/tfjs-core';
import { loadAddon } from './addon.ts';
import { backend } from './backend.ts';
import { extensions } from './extensions.ts';
import { registerKernels } from './kernels/index.ts';
import { startingThreads } from './threads.ts';

const addon = loadAddon();
if (addon) {
  addon.setThreads(startingThreads(process.env.GIMBAL_THREADS));
  registerKernels();
  registerBackend('native', () => Object.assign(backend, { extensions }), 3); // above wasm (2) and cpu (1)
}
