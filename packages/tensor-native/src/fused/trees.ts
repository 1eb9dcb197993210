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

type Inputs = { [name: string]: TensorInfo };

const addressOf = (inputs: Inputs, name: string): number => backend.address(inputs[name] as TensorInfo);

/** The address of a tensor that the command changes: a packed copy of it would be stale. */
function writable(inputs: Inputs, name: string): number {
  const tensor = inputs[name] as TensorInfo;
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

const adamWTree = nativeKernel<Inputs, AdamWAttributes>('AdamWTree', ({ inputs, attrs }) => {
  const words = [
    writable(inputs, 'step'),
    addressOf(inputs, 'learningRate'),
    inputs.gradientScale === undefined ? 0 : addressOf(inputs, 'gradientScale'),
    attrs.beta1,
    attrs.beta2,
    attrs.epsilon,
    attrs.count,
  ];
  for (let i = 0; i < attrs.count; i++)
    words.push(
      writable(inputs, `p${i}`),
      addressOf(inputs, `g${i}`),
      writable(inputs, `m${i}`),
      writable(inputs, `v${i}`),
      sizeOf((inputs[`p${i}`] as TensorInfo).shape),
      attrs.weightDecay[i] as number,
    );
  emitAll(ADAMW_TREE, words);
  return [];
});

const polyakTree = nativeKernel<Inputs, { count: number; tau: number }>('PolyakTree', ({ inputs, attrs }) => {
  const words = [attrs.tau, attrs.count];
  for (let i = 0; i < attrs.count; i++)
    words.push(writable(inputs, `t${i}`), addressOf(inputs, `s${i}`), sizeOf((inputs[`t${i}`] as TensorInfo).shape));
  emitAll(POLYAK_TREE, words);
  return [];
});

const globalNorm = nativeKernel<Inputs, { count: number }>('GlobalNorm', ({ inputs, attrs }) => {
  const out = backend.output([]);
  const words = [backend.address(out), attrs.count];
  for (let i = 0; i < attrs.count; i++)
    words.push(addressOf(inputs, `x${i}`), sizeOf((inputs[`x${i}`] as TensorInfo).shape));
  emitAll(GLOBAL_NORM, words);
  return [out];
});

export const kernels: readonly KernelConfig[] = [adamWTree, polyakTree, globalNorm];
