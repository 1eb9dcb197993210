// Updates and norms of whole trees, in operations on leaves that are joined.
import { addN, mul, scalar, sqrt, type Tensor } from '@tensorflow/tfjs-core';
import { type AdamWAttributes, type AdamWUpdated, composeAdamWTree, type EachLeaf } from '../../../ops/adamw-tree.ts';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import { moved } from '../../../ops/polyak-tree.ts';
import type { TensorFlowBackend } from '../tensorflow-backend.ts';
import { apart, join, joinable, largestJoined } from './join.ts';

export function adamWTree({
  isUsingGpuDevice: gpu,
}: TensorFlowBackend): (inputs: Inputs, a: AdamWAttributes) => Tensor[] {
  const each: EachLeaf = (leaves, one) => {
    const out: AdamWUpdated[] = [];
    const parameters = leaves.map(({ p }) => p);
    for (const group of joinable(
      parameters,
      gpu ? largestJoined.gpu : largestJoined.adamW,
      (i) => leaves[i]?.weightDecay as number,
    )) {
      const here = group.map((i) => leaves[i] as (typeof leaves)[number]);
      const all = (name: 'p' | 'g' | 'm' | 'v'): Tensor => join(here.map((leaf) => leaf[name]));
      const updated = one({
        p: all('p'),
        g: all('g'),
        m: all('m'),
        v: all('v'),
        weightDecay: here[0]?.weightDecay as number,
      });
      const [p, m, v] = updated.map((t) =>
        apart(
          t,
          here.map((leaf) => leaf.p),
        ),
      ) as [Tensor[], Tensor[], Tensor[]];
      group.forEach((i, j) => {
        out[i] = [p[j], m[j], v[j]] as AdamWUpdated;
      });
    }
    return out;
  };
  return (inputs, a) => composeAdamWTree(inputs, a, each);
}

export function polyakTree({
  isUsingGpuDevice: gpu,
}: TensorFlowBackend): (inputs: Inputs, a: { count: number; tau: number }) => Tensor[] {
  return (inputs, { count, tau }) => {
    const given = inputs as unknown as Tensor[];
    const [targets, sources] = [0, 1].map((which) =>
      Array.from({ length: count }, (_, i) => given[2 * i + which] as Tensor),
    ) as [Tensor[], Tensor[]];
    const out: Tensor[] = [];
    for (const group of joinable(targets, gpu ? largestJoined.gpu : largestJoined.polyak)) {
      const of = (tensors: Tensor[]): Tensor[] => group.map((i) => tensors[i] as Tensor);
      const parts = apart(moved(join(of(targets)), join(of(sources)), tau), of(targets));
      group.forEach((i, j) => {
        out[i] = parts[j] as Tensor;
      });
    }
    return out;
  };
}

export function globalNorm(backend: TensorFlowBackend): (inputs: Inputs, a: { count: number }) => Tensor[] {
  const { binding: b, isUsingGpuDevice: gpu } = backend;
  const attributes = [{ name: 'T', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT }];
  return (inputs, { count }) => {
    if (count === 0) return [scalar(0)];
    const tensors = Array.from({ length: count }, (_, i) => inputs[`x${i}`] as Tensor);
    // half the sum of the squares
    const halves = joinable(tensors, gpu ? largestJoined.gpu : largestJoined.norm).map((group) =>
      backend.executeSingleOutput('L2Loss', attributes, [join(group.map((i) => tensors[i] as Tensor))]),
    );
    return [sqrt(mul(addN(halves), 2))];
  };
}
