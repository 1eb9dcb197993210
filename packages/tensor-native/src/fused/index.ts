// The fused kernels: bodies of tensor-core's ops, registered under their names.
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { kernels as activations } from './activations.ts';
import { kernels as attention } from './attention.ts';
import { kernels as crossEntropy } from './cross-entropy.ts';
import { kernels as divergence } from './divergence.ts';
import { kernels as linear } from './linear.ts';
import { kernels as mlp } from './mlp.ts';
import { kernels as norms } from './norms.ts';
import { kernels as policyHead } from './policy-head.ts';
import { kernels as reduceGrad } from './reduce-grad.ts';
import { kernels as softmaxGrad } from './softmax-grad.ts';
import { kernels as tokens } from './tokens.ts';
import { kernels as trees } from './trees.ts';

export const kernels: readonly KernelConfig[] = [
  ...activations,
  ...attention,
  ...crossEntropy,
  ...divergence,
  ...linear,
  ...mlp,
  ...norms,
  ...policyHead,
  ...reduceGrad,
  ...softmaxGrad,
  ...tokens,
  ...trees,
];
