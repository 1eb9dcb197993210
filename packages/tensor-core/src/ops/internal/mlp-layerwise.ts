// The gradients of a chain of linear layers one by one, each from kernels of a single product: for tapes that do not say
// beforehand which gradients they want (TensorFlow.js's own), and as the body of MlpGrad where no backend has one.

import { addN, clone, matMul, reshape, slice, sum, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { type Activation, composeActivationGrad } from '../activations.ts';
import { sizeOf } from './check.ts';
import type { Gradients } from './fused-op.ts';
import { defineKernel, type Inputs, runKernel1 } from './kernel.ts';
import { type Chain, keptByChain, names } from './mlp-chain.ts';

/** dz of a layer from dz of the next: (dz Wᵀ) ⊙ act′(aux), in attributes.shape; `aux` as needsInput says. */
const linearGradInput = defineKernel(
  'LinearGradInput',
  (inputs, { activation, outIn, shape }: { activation: Activation; outIn: boolean; shape: readonly number[] }) => {
    const { dz, weight, aux } = inputs as { dz: Tensor; weight: Tensor2D; aux?: Tensor };
    const width = outIn ? weight.shape[0] : weight.shape[1];
    const d = reshape(matMul(rows(dz, width), weight, false, !outIn), [...shape]);
    return [aux === undefined ? d : composeActivationGrad(d, reshape(aux, [...shape]), activation)];
  },
);

/** dW = xᵀ dz, or dzᵀ x where the layout is out-in. */
export const linearGradWeight = defineKernel(
  'LinearGradWeight',
  (inputs, { outIn, shape: [p, q] }: { outIn: boolean; shape: readonly number[] }) => {
    const { x, dz } = inputs as { x: Tensor; dz: Tensor };
    const [inSize, outSize] = (outIn ? [q, p] : [p, q]) as [number, number];
    const [a, b] = [rows(x, inSize), rows(dz, outSize)];
    return [outIn ? matMul(b, a, true, false) : matMul(a, b, true, false)];
  },
);

/** db [N]: the sum of dz over all but its last axis. */
const biasGrad = defineKernel('BiasGrad', (inputs, { size }: { size: number }) => [
  sum(rows(inputs.dz as Tensor, size), 0),
]);

/** x as a matrix of rows of this width. */
export const rows = (x: Tensor, width: number): Tensor2D =>
  reshape(x, [width === 0 ? 0 : sizeOf(x.shape) / width, width]);

/** What the gradients are computed from. */
export interface ChainBackward {
  readonly attributes: Chain;
  /** x and the weights. */
  readonly inputs: Inputs;
  /** What the forward pass kept. */
  readonly extras: readonly Tensor[];
  /** dz of the last layer; called when a gradient is asked for. */
  readonly lastDz: () => Tensor;
  hold<T extends Tensor>(tensor: T): T;
}

/** A function for each of x, the weights and the biases. */
export function layerwise(backward: ChainBackward): Gradients {
  const nets = Array.from({ length: backward.attributes.nets }, (_, net) => oneNet(backward, net));
  const gradients: Gradients = {};
  for (const net of nets) Object.assign(gradients, net.weights);
  gradients.x = () => (nets.length === 1 ? nets[0]?.x() : addN(nets.map(({ x }) => x()))) as Tensor;
  return gradients;
}

function oneNet(b: ChainBackward, net: number): { x: () => Tensor; weights: Gradients } {
  const { attributes: a, inputs, extras } = b;
  const kept = keptByChain(a);
  const x = inputs.x as Tensor;
  const weight = (i: number): Tensor => inputs[names(net * a.layers + i).weight] as Tensor;
  const mine = (t: Tensor): Tensor => {
    if (a.nets === 1) return t;
    const matrix = rows(t, t.shape[t.rank - 1] as number);
    const each = matrix.shape[0] / a.nets;
    return slice(matrix, [net * each, 0], [each, -1]);
  };
  const extra = (at: number): Tensor => mine(extras[at] as Tensor);
  const input = (i: number): Tensor => (i === 0 ? x : extra(kept[i - 1]?.h as number));

  // dz of one layer at a time: the engine asks for the last layer first, so an older one can go when the next is there
  let level = a.layers;
  let held: Tensor | undefined;
  const dz = (i: number): Tensor => {
    if (i > level) level = a.layers; // asked out of order: start again
    while (level > i) {
      const before = held;
      if (--level === a.layers - 1) held = b.hold(clone(mine(b.lastDz())));
      else {
        const { z = -1, h = -1 } = kept[level] ?? {};
        const aux = extra(z === -1 ? h : z);
        const { activation, outIn } = a;
        const dzAux = { dz: before as Tensor, weight: weight(level + 1), aux };
        held = b.hold(runKernel1(linearGradInput, dzAux, { activation, outIn, shape: aux.shape }));
      }
      before?.dispose();
    }
    return held as Tensor;
  };

  const weights: Gradients = {};
  for (let i = a.layers - 1; i >= 0; i--) {
    const name = names(net * a.layers + i);
    weights[name.weight] = () =>
      runKernel1(linearGradWeight, { x: input(i), dz: dz(i) }, { outIn: a.outIn, shape: weight(i).shape });
    weights[name.bias] = () =>
      runKernel1(biasGrad, { dz: dz(i) }, { size: weight(i).shape[a.outIn ? 0 : 1] as number });
  }
  const dx = (): Tensor =>
    runKernel1(
      linearGradInput,
      { dz: dz(0), weight: weight(0) },
      { activation: 'linear' as const, outIn: a.outIn, shape: x.shape },
    );
  return { x: dx, weights };
}
