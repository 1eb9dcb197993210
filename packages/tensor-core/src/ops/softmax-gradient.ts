// The gradient of TensorFlow.js's Softmax in one pass: dx = y (dy − Σ dy y). Its own takes four.

import { engine, mul, registerGradient, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { defineKernel, runKernel1 } from './internal/kernel.ts';

const softmaxGrad = defineKernel('SoftmaxGrad', (inputs) => {
  const { dy, y } = inputs as { dy: Tensor; y: Tensor };
  return [mul(y, sub(dy, sum(mul(dy, y), -1, true)))];
});

/** Replaces the registered gradient; to be called once, after TensorFlow.js's own are registered. */
export function registerSoftmaxGradient(): void {
  registerGradient({
    kernelName: 'Softmax',
    outputsToSave: [true],
    gradFunc: (dy, [y]) => {
      const inputs = { dy: dy as Tensor, y: y as Tensor };
      // inside a gradient of a gradient, the single ops are recorded
      return { logits: () => (engine().isTapeOn() ? softmaxGrad.compose : run)(inputs, {})[0] as Tensor };
    },
  });
}

const run: typeof softmaxGrad.compose = (inputs, attributes) => [runKernel1(softmaxGrad, inputs, attributes)];
