import type { Candidate } from './backend-info.ts';

// Google's TensorFlow library behind tfjs-node's binding: on an NVIDIA GPU, or on the CPU as a reference to test against.
const refusal = { reason: 'this release has no binding to the TensorFlow library', fix: "use 'native' or 'auto'" };

export const nodeGpu: Candidate = { name: 'node-gpu', automatic: true, load: async () => refusal };
export const node: Candidate = { name: 'node', automatic: false, load: async () => refusal };
