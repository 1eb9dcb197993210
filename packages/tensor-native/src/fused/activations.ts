// Activations, gated pairs and dropout (cc/kernels/fused_activation.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { ACTIVATION, type NativeActivation } from '../activation.ts';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';

const ACTIVATE = op('activation');
const ACTIVATION_GRAD = op('activation_grad');
const GATED = op('gated');
const GATED_GRAD = op('gated_grad');
const DROPOUT = op('dropout');

interface Kind {
  activation: NativeActivation;
}

const fromInput = (activation: NativeActivation): number =>
  activation === 'gelu' || activation === 'gelu-erf' || activation === 'silu' ? 1 : 0;

const activation = nativeKernel<{ x: TensorInfo }, Kind>('Activation', ({ inputs: { x }, attrs }) => {
  const y = backend.output(x.shape);
  emit(ACTIVATE, backend.address(x), backend.address(y), sizeOf(x.shape), ACTIVATION[attrs.activation]);
  return [y];
});

const activationGrad = nativeKernel<{ dy: TensorInfo; aux: TensorInfo }, Kind>(
  'ActivationGrad',
  ({ inputs: { dy, aux }, attrs }) => {
    const dx = backend.output(dy.shape);
    emit(
      ACTIVATION_GRAD,
      backend.address(dy),
      backend.address(aux),
      backend.address(dx),
      sizeOf(dy.shape),
      ACTIVATION[attrs.activation],
    );
    return dx;
  },
);

const gated = nativeKernel<{ gate: TensorInfo; up: TensorInfo }, Kind>(
  'GatedActivation',
  ({ inputs: { gate, up }, attrs }) => {
    const y = backend.output(gate.shape);
    emit(
      GATED,
      backend.address(gate),
      backend.address(up),
      backend.address(y),
      sizeOf(gate.shape),
      ACTIVATION[attrs.activation],
    );
    return [y];
  },
);

const gatedGrad = nativeKernel<{ dy: TensorInfo; gate: TensorInfo; up: TensorInfo }, Kind>(
  'GatedActivationGrad',
  ({ inputs: { dy, gate, up }, attrs }) => {
    const [dGate, dUp] = [backend.output(gate.shape), backend.output(up.shape)];
    emit(
      GATED_GRAD,
      backend.address(dy),
      backend.address(gate),
      backend.address(up),
      backend.address(dGate),
      backend.address(dUp),
      sizeOf(gate.shape),
      ACTIVATION[attrs.activation],
      fromInput(attrs.activation),
    );
    return [dGate, dUp];
  },
);

const dropout = ({
  inputs: { x, noise },
  attrs: { rate },
}: {
  inputs: { x: TensorInfo; noise: TensorInfo };
  attrs: { rate: number };
}): TensorInfo[] => {
  const y = backend.output(x.shape);
  emit(DROPOUT, backend.address(x), backend.address(noise), backend.address(y), sizeOf(x.shape), rate);
  return [y];
};

export const kernels: readonly KernelConfig[] = [
  activation,
  activationGrad,
  gated,
  gatedGrad,
  nativeKernel('Dropout', dropout),
  nativeKernel('DropoutGrad', dropout),
];
