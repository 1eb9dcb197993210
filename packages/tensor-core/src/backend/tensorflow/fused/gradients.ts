// Gradients of activations, and of embeddings, that TensorFlow has as one operation.
import { matMul, mul, reshape, scalar, type Tensor, type Tensor2D, zeros } from '@tensorflow/tfjs-core';
import { type Activation, composeActivationGrad, needsInput } from '../../../ops/activations.ts';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import { rows } from '../../../ops/internal/mlp-layerwise.ts';
import type { Attribute, TensorFlowBackend } from '../tensorflow-backend.ts';

type ActivationGradient = (dy: Tensor, aux: Tensor, activation: Activation) => Tensor;

/** By their names, and whether dy comes first. `aux` is the output, which of relu does for its input. */
const operations: { readonly [name in Activation]?: readonly [name: string, dyFirst: boolean] } = {
  relu: ['ReluGrad', true],
  elu: ['EluGrad', true],
  tanh: ['TanhGrad', false],
  sigmoid: ['SigmoidGrad', false],
};

export function activationGradient(backend: TensorFlowBackend): ActivationGradient {
  const attributes = floats(backend);
  return (dy, aux, activation) => {
    const operation = operations[activation];
    if (operation === undefined) return composeActivationGrad(dy, aux, activation);
    const [name, dyFirst] = operation;
    return backend.executeSingleOutput(name, attributes, dyFirst ? [dy, aux] : [aux, dy]);
  };
}

export const activationGrad =
  (gradient: ActivationGradient) =>
  (inputs: Inputs, { activation }: { activation: Activation }): Tensor[] => {
    const dy = inputs.dy as Tensor;
    return [gradient(dy, reshape(inputs.aux as Tensor, dy.shape), activation)];
  };

/** `aux` is act′(z) where the slope needs z, as our body of `Mlp` keeps it. */
export const linearGradInput =
  (gradient: ActivationGradient) =>
  (inputs: Inputs, { activation, outIn, shape }: LinearGradAttributes): Tensor[] => {
    const { dz, weight, aux } = inputs as { dz: Tensor; weight: Tensor2D; aux?: Tensor };
    const d = reshape(matMul(rows(dz, weight.shape[outIn ? 0 : 1]), weight, false, !outIn), [...shape]);
    if (aux === undefined) return [d];
    const shaped = reshape(aux, [...shape]);
    return [needsInput(activation) ? mul(d, shaped) : gradient(d, shaped, activation)];
  };

type LinearGradAttributes = { activation: Activation; outIn: boolean; shape: readonly number[] };

/** db [N]: the sum of dz over all but its last axis. */
export function biasGrad(backend: TensorFlowBackend): (inputs: Inputs, a: { size: number }) => Tensor[] {
  const attributes = floats(backend);
  return (inputs, { size }) => {
    const dz = inputs.dz as Tensor;
    const matrix = dz.rank > 1 ? dz : reshape(dz, [-1, size]);
    return [dz.size === 0 ? zeros([size]) : backend.executeSingleOutput('BiasAddGrad', attributes, [matrix])];
  };
}

/** The forward pass has looked the ids up: none is out of range. */
export function embeddingGrad(
  backend: TensorFlowBackend,
): (inputs: Inputs, a: { shape: readonly number[] }) => Tensor[] {
  const { binding: b } = backend;
  const types = ['Tindices', 'Tnumsegments'].map((name) => ({ name, type: b.TF_ATTR_TYPE, value: b.TF_INT32 }));
  const attributes = [...floats(backend), ...types];
  return (inputs, { shape: [count, width] }) => {
    const { dy, ids } = inputs as { dy: Tensor; ids: Tensor };
    const each = [reshape(dy, [ids.size, width as number]), reshape(ids, [-1]), scalar(count as number, 'int32')];
    return [backend.executeSingleOutput('UnsortedSegmentSum', attributes, each)];
  };
}

const floats = ({ binding: b }: TensorFlowBackend): Attribute[] => [
  { name: 'T', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT },
];
