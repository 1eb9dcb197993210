// Updates of whole parameter trees, in place (cc/kernels/optimizer.cc). The caller has given every tensor that is written
// storage of its own.
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emitAll, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';

const ADAMW_TREE = op('adamw_tree');
const POLYAK_TREE = op('polyak_tree');
const GLOBAL_NORM = op('global_norm');

/** The address of a tensor that the command changes: a packed copy of it would be stale. */
function writable(tensor: TensorInfo): number {
  backend.buffer(tensor.dataId).written();
  return backend.address(tensor);
}

interface AdamWAttributes {
  count: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: readonly number[];
}

/** Inputs: step, learning rate, then p, g, m and v of each entry, and perhaps the gradients' scale. */
const adamWTree = nativeKernel<TensorInfo[], AdamWAttributes>('AdamWTree', ({ inputs, attrs }) => {
  const { count, beta1, beta2, epsilon, weightDecay } = attrs;
  const [step, learningRate] = inputs as [TensorInfo, TensorInfo];
  const scale = inputs[2 + 4 * count];
  const words = [
    writable(step),
    backend.address(learningRate),
    scale === undefined ? 0 : backend.address(scale),
    beta1,
    beta2,
    epsilon,
    count,
  ];
  for (let i = 0; i < count; i++) {
    const p = inputs[2 + 4 * i] as TensorInfo;
    words.push(
      writable(p),
      backend.address(inputs[3 + 4 * i] as TensorInfo),
      writable(inputs[4 + 4 * i] as TensorInfo),
      writable(inputs[5 + 4 * i] as TensorInfo),
      sizeOf(p.shape),
      weightDecay[i] as number,
    );
  }
  emitAll(ADAMW_TREE, words);
  return [];
});

/** Inputs: each target and its source. */
const polyakTree = nativeKernel<TensorInfo[], { count: number; tau: number }>('PolyakTree', ({ inputs, attrs }) => {
  const words = [attrs.tau, attrs.count];
  for (let i = 0; i < attrs.count; i++) {
    const target = inputs[2 * i] as TensorInfo;
    words.push(writable(target), backend.address(inputs[2 * i + 1] as TensorInfo), sizeOf(target.shape));
  }
  emitAll(POLYAK_TREE, words);
  return [];
});

const globalNorm = nativeKernel<{ [name: string]: TensorInfo }, { count: number }>(
  'GlobalNorm',
  ({ inputs, attrs }) => {
    const out = backend.output([]);
    const words = [backend.address(out), attrs.count];
    for (let i = 0; i < attrs.count; i++)
      words.push(backend.address(inputs[`x${i}`] as TensorInfo), sizeOf((inputs[`x${i}`] as TensorInfo).shape));
    emitAll(GLOBAL_NORM, words);
    return [out];
  },
);

export const kernels: readonly KernelConfig[] = [adamWTree, polyakTree, globalNorm];
