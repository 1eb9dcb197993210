// Bodies of our fused ops in TensorFlow's own fused operations, where it has them: fewer passes over memory, and on a GPU
// fewer launches.
import { type KernelFunc, registerKernel, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Attributes, Inputs } from '../../../ops/internal/kernel.ts';
import { registeredName as backendName } from '../load.node.ts';
import type { TensorFlowBackend } from '../tensorflow-backend.ts';
import { attention, attentionGrad } from './attention.ts';
import { crossEntropy, crossEntropyGrad, linearCrossEntropy } from './cross-entropy.ts';
import { gatedMlp, gatedMlpGrad } from './gated-mlp.ts';
import { activationGrad, activationGradient, biasGrad, embeddingGrad, linearGradInput } from './gradients.ts';
import { layerNorm, layerNormGrad } from './layer-norm.ts';
import { mlp } from './mlp.ts';
import { rmsNorm, rmsNormGrad } from './rms-norm.ts';
import { rotary } from './rotary.ts';
import { adamWTree, globalNorm, polyakTree } from './trees.ts';

/** Registers them. */
export function registerFused(backend: TensorFlowBackend): void {
  body('Attention', attention);
  body('AttentionGrad', attentionGrad);
  body('CrossEntropy', crossEntropy(backend));
  body('CrossEntropyGrad', crossEntropyGrad);
  body('LinearCrossEntropy', linearCrossEntropy(backend));
  body('LayerNorm', layerNorm(backend));
  body('LayerNormGrad', layerNormGrad);
  body('RmsNorm', rmsNorm);
  body('RmsNormGrad', rmsNormGrad);
  body('Rotary', rotary(backend));
  body('RotaryGrad', rotary(backend));
  const gradient = activationGradient(backend);
  body('ActivationGrad', activationGrad(gradient));
  body('LinearGradInput', linearGradInput(gradient));
  body('BiasGrad', biasGrad(backend));
  body('EmbeddingGrad', embeddingGrad(backend));
  body('GlobalNorm', globalNorm(backend));
  // they return what is new, as compositions do
  body('AdamWTree', adamWTree(backend), { composition: true });
  body('PolyakTree', polyakTree(backend), { composition: true });
  body('Mlp', mlp(backend));
  body('GatedMlp', gatedMlp(backend));
  body('GatedMlpGrad', gatedMlpGrad);
}

function body<A extends Attributes>(
  kernelName: string,
  run: (inputs: Inputs, attributes: A) => Tensor[],
  marks: { composition?: true } = {},
): void {
  const kernelFunc: KernelFunc = ({ inputs, attrs }) =>
    tidy(() => run(inputs as unknown as Inputs, attrs as unknown as A));
  registerKernel({ kernelName, backendName, kernelFunc: Object.assign(kernelFunc, marks) });
}
