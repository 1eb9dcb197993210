// Tensors of random numbers from a counter-based stream (cc/kernels/philox.cc): tensor-core's `rng` calls these kernels.

import type { KernelConfig } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, isRecording, op } from '../commands.ts';
import { NativeError } from '../errors.ts';
import { nativeKernel } from './host.ts';

interface Fill {
  shape: number[];
  /** Two key words and the upper two counter words. */
  stream: [number, number, number, number];
  /** Number of the first block, below 2⁵³. */
  block: number;
  a: number;
  b: number;
}

const fill = (kernelName: string, name: string): KernelConfig => {
  const operation = op(name);
  return nativeKernel<object, Fill>(kernelName, ({ attrs }) => {
    const { shape, stream, block, a, b } = attrs;
    // the block number would be frozen: every replay would draw the same numbers
    if (isRecording())
      throw new NativeError('ERR_CONFIG', {
        where: 'capture',
        what: 'random numbers cannot be drawn in a captured step',
        fix: 'Pass them in',
      });
    const out = backend.output(shape);
    const n = shape.reduce((product, d) => product * d, 1);
    const [low, high] = [block % 2 ** 32, Math.floor(block / 2 ** 32)];
    emit(operation, backend.address(out), n, ...stream, low, high, a, b);
    return out;
  });
};

export const kernels: KernelConfig[] = [fill('PhiloxUniform', 'philox_uniform'), fill('PhiloxNormal', 'philox_normal')];
