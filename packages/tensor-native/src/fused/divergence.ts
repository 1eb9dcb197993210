// Divergences of distributions given by their logits, and their gradient (cc/kernels/divergence.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';

const DIVERGENCE = op('divergence');
const DIVERGENCE_GRAD = op('divergence_grad');

interface Attributes {
  kind: string;
  mix: number;
  factor: number;
  temperature: number;
  targetTemperature: number;
  measures: boolean;
  /** the logits are not read again: the gradient may take their memory */
  overwrite?: boolean;
}

const kinds = ['fkl', 'rkl', 'tvd', 'jsd', 'skew-fkl', 'skew-rkl'];

interface Inputs {
  logits: TensorInfo;
  target: TensorInfo;
}

const sizes = ({ logits }: Inputs): [rows: number, n: number] => {
  const n = logits.shape.at(-1) as number;
  return [sizeOf(logits.shape.slice(0, -1)), n];
};

const form = (inputs: Inputs, a: Attributes): number[] => [
  ...sizes(inputs),
  ...[kinds.indexOf(a.kind), a.mix, a.factor, 1 / a.temperature, 1 / a.targetTemperature],
];

const divergence = nativeKernel<Inputs, Attributes>('Divergence', ({ inputs, attrs }) => {
  const { logits, target } = inputs;
  const values = backend.output(logits.shape.slice(0, -1));
  const columns = backend.output([sizes(inputs)[0], 7]);
  emit(
    DIVERGENCE,
    ...[logits, target, values, columns].map((t) => backend.address(t)),
    ...form(inputs, attrs),
    attrs.measures ? 1 : 0,
  );
  return [values, columns];
});

const divergenceGrad = nativeKernel<Inputs & { dy: TensorInfo; columns: TensorInfo }, Attributes>(
  'DivergenceGrad',
  ({ inputs, attrs }) => {
    const { dy, logits, target, columns } = inputs;
    const inPlace = attrs.overwrite === true && backend.refCount(logits.dataId) === 1;
    if (inPlace) backend.buffer(logits.dataId).written();
    const out = inPlace ? backend.alias(logits, logits.shape) : backend.output(logits.shape);
    emit(DIVERGENCE_GRAD, ...[dy, logits, target, columns, out].map((t) => backend.address(t)), ...form(inputs, attrs));
    return out;
  },
);

export const kernels: readonly KernelConfig[] = [divergence, divergenceGrad];
