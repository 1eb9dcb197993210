// Bodies of our fused ops in TensorFlow's own fused operations.
import type { TensorFlowBackend } from '../tensorflow-backend.ts';

export function registerFused(_backend: TensorFlowBackend): void {}
