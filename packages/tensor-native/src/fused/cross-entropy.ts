// Cross-entropy and token log-probabilities (cc/kernels/cross_entropy.cc), and the chunked form that never holds all
// logits (cc/kernels/fused_linear_cross_entropy.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';

const CROSS_ENTROPY = op('cross_entropy');
const CROSS_ENTROPY_GRAD = op('cross_entropy_grad');
const LINEAR_CROSS_ENTROPY = op('linear_cross_entropy');

type Reduction = 'mean' | 'sum' | 'none';

interface Attributes {
  reduction: Reduction;
  labelSmoothing: number;
  temperature: number;
  sign: number;
  training: boolean;
}

const code: Record<Reduction, number> = { none: 0, sum: 1, mean: 2 };

interface Inputs {
  logits: TensorInfo;
  targets: TensorInfo;
  weights?: TensorInfo;
}

const crossEntropy = nativeKernel<Inputs, Attributes>('CrossEntropy', ({ inputs, attrs }) => {
  const { logits, targets, weights } = inputs;
  const rows = sizeOf(targets.shape);
  const out = backend.output(attrs.reduction === 'none' ? targets.shape : []);
  const lse = attrs.training ? backend.output([rows]) : undefined;
  emit(
    CROSS_ENTROPY,
    backend.address(logits),
    backend.address(targets),
    weights === undefined ? 0 : backend.address(weights),
    backend.address(out),
    lse === undefined ? 0 : backend.address(lse),
    rows,
    logits.shape[logits.shape.length - 1] as number,
    1 / attrs.temperature,
    attrs.labelSmoothing,
    attrs.sign,
    code[attrs.reduction],
  );
  return lse === undefined ? [out] : [out, lse];
});

const crossEntropyGrad = nativeKernel<Inputs & { dy: TensorInfo; lse: TensorInfo }, Attributes>(
  'CrossEntropyGrad',
  ({ inputs, attrs }) => {
    const { dy, logits, targets, weights, lse } = inputs;
    const out = backend.output(logits.shape);
    emit(
      CROSS_ENTROPY_GRAD,
      backend.address(dy),
      backend.address(logits),
      backend.address(targets),
      weights === undefined ? 0 : backend.address(weights),
      backend.address(lse),
      backend.address(out),
      sizeOf(targets.shape),
      logits.shape[logits.shape.length - 1] as number,
      1 / attrs.temperature,
      attrs.labelSmoothing,
      attrs.sign,
      code[attrs.reduction],
    );
    return out;
  },
);

interface LinearInputs {
  hidden: TensorInfo;
  head: TensorInfo;
  targets: TensorInfo;
  weights?: TensorInfo;
}

type LinearAttributes = Attributes & { headGradient: boolean };

const linearCrossEntropy = nativeKernel<LinearInputs, LinearAttributes>('LinearCrossEntropy', ({ inputs, attrs }) => {
  const { hidden, head, targets, weights } = inputs;
  const [rows, width] = hidden.shape as [number, number];
  const classes = head.shape[0] as number;
  const out = backend.output([]);
  const shapes = [hidden.shape, ...(attrs.headGradient ? [head.shape] : [])];
  const grads = attrs.training ? shapes.map((shape) => backend.output(shape)) : [];
  const [dHidden = 0, dHead = 0] = grads.map((t) => backend.address(t));
  emit(
    LINEAR_CROSS_ENTROPY,
    backend.address(hidden),
    backend.address(head),
    backend.address(targets),
    weights === undefined ? 0 : backend.address(weights),
    backend.address(out),
    dHidden,
    dHead,
    rows,
    width,
    classes,
    attrs.labelSmoothing,
    code[attrs.reduction],
  );
  return [out, ...grads];
});

export const kernels: readonly KernelConfig[] = [crossEntropy, crossEntropyGrad, linearCrossEntropy];
