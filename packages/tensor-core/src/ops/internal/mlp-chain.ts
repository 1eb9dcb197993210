// What describes a chain of linear layers to its kernels: attributes, names of inputs, what the forward pass keeps.

import { type Activation, needsInput } from '../activations.ts';

export type Chain = {
  /** Networks of this form on one x; their results lie one behind the other. */
  nets: number;
  layers: number;
  activation: Activation;
  outputActivation: Activation;
  outIn: boolean;
  residual: boolean;
};

/** What the forward pass keeps of layer i: positions in the list of extras, −1 where there is nothing. */
export interface Kept {
  /** Input of the activation. */
  readonly z: number;
  /** Output of the activation, hᵢ. */
  readonly h: number;
}

/**
 * Which tensors the kernel returns behind y, in order: for each hidden layer z (where act′ needs it) and h; for the last
 * layer z where its activation needs it, or where a residual hides the activation's output. Each is [nets · rows, width].
 */
export function keptByChain(a: Chain): Kept[] {
  let next = 0;
  return Array.from({ length: a.layers }, (_, i) => {
    if (i < a.layers - 1) {
      const z = needsInput(a.activation) ? next++ : -1;
      return { z, h: next++ };
    }
    const nonlinear = a.outputActivation !== 'linear';
    return { z: nonlinear && (needsInput(a.outputActivation) || a.residual) ? next++ : -1, h: -1 };
  });
}

export interface LayerNames {
  readonly weight: string;
  readonly bias: string;
}

/** A layer's inputs by its number, net · layers + i. Spelt once, not at every call. */
const known: LayerNames[] = [];
export function names(layer: number): LayerNames {
  for (let i = known.length; i <= layer; i++) known.push({ weight: `weight${i}`, bias: `bias${i}` });
  return known[layer] as LayerNames;
}

/** The inputs that the backward pass wants to see again: x and the weights. */
const saved: (readonly string[])[] = [];
export function savedInputs(layers: number): readonly string[] {
  saved[layers] ??= ['x', ...Array.from({ length: layers }, (_, i) => names(i).weight)];
  return saved[layers];
}
