// Bodies of our fused ops in TensorFlow's own fused operations, where it has them: fewer passes over memory, and on a GPU
// fewer launches.
import { type KernelFunc, registerKernel, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Attributes, Inputs } from '../../../ops/internal/kernel.ts';
import { registeredName as backendName } from '../load.node.ts';
import type { TensorFlowBackend } from '../tensorflow-backend.ts';
import { attention, attentionGrad } from './attention.ts';
import { crossEntropy, crossEntropyGrad, linearCrossEntropy } from './cross-entropy.ts';
import { layerNorm, layerNormGrad } from './layer-norm.ts';
import { mlp } from './mlp.ts';

/** Registers them; a binding that has only tfjs-node's functions gets those that need no more. */
export function registerFused(backend: TensorFlowBackend): void {
  body('Attention', attention);
  body('AttentionGrad', attentionGrad);
  body('CrossEntropy', crossEntropy(backend));
  body('CrossEntropyGrad', crossEntropyGrad);
  body('LinearCrossEntropy', linearCrossEntropy(backend));
  body('LayerNorm', layerNorm(backend));
  body('LayerNormGrad', layerNormGrad);
  if (backend.binding.runOp !== undefined) body('Mlp', mlp(backend));
}

function body<A extends Attributes>(kernelName: string, run: (inputs: Inputs, attributes: A) => Tensor[]): void {
  const kernelFunc: KernelFunc = ({ inputs, attrs }) =>
    tidy(() => run(inputs as unknown as Inputs, attrs as unknown as A));
  registerKernel({ kernelName, backendName, kernelFunc });
}
