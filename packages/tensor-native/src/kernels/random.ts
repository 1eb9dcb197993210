// Draws from categorical distributions (cc/kernels/multinomial.cc): repeatable by seed, the same on any thread count,
// not the numbers of tfjs's cpu kernel (which gives every row of a batch the same uniform numbers).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { castTo } from './cast.ts';
import { nativeKernel } from './host.ts';

const multinomial = op('multinomial');
const softmax = op('softmax');

export const kernels: KernelConfig[] = [
  nativeKernel<{ logits: TensorInfo }, { numSamples: number; seed: number; normalized: boolean }>(
    'Multinomial',
    ({ inputs, attrs }) => {
      const logits = castTo(inputs.logits, 'float32');
      const [batch, n] = logits.shape as [number, number];
      let probabilities = logits;
      if (!attrs.normalized) {
        probabilities = backend.output(logits.shape);
        emit(softmax, backend.address(logits), backend.address(probabilities), batch, n);
        backend.disposeData(logits.dataId);
      }
      const out = backend.output([batch, attrs.numSamples], 'int32');
      emit(multinomial, backend.address(probabilities), backend.address(out), batch, n, attrs.numSamples, attrs.seed);
      backend.disposeData(probabilities.dataId);
      return out;
    },
  ),
];
