// Gated MLP blocks and the single products of a linear layer's backward pass: each a matrix product with its epilogue
// (cc/gemm.h). The formulas stand at the ops, tensor-core/src/ops/gated-mlp.ts and internal/mlp-op.ts.
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeActivation } from '../activation.ts';
import { ACTIVATION } from '../activation.ts';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { gemm } from '../kernels/gemm.ts';
import { nativeKernel } from '../kernels/host.ts';
import { operandAddress, packedOperand } from '../kernels/packed.ts';
import { sizeOf } from '../kernels/shapes.ts';

const SUM_ROWS = op('sum_rows');
const GATED = op('gated');
const GATED_GRAD = op('gated_grad');

export type Inputs = { [name: string]: TensorInfo | undefined };

/** Activations whose derivative is taken from their input; the others give it from their output. */
export const needsInput = (activation: NativeActivation): boolean =>
  activation === 'gelu' || activation === 'gelu-erf' || activation === 'silu';

export const rowsOf = (x: TensorInfo, width: number): number => (width === 0 ? 0 : sizeOf(x.shape) / width);

export const addressOrNone = (x: TensorInfo | undefined): number => (x === undefined ? 0 : backend.address(x));

/** Width of x W (outIn: W is [n, k]). */
export const outputsOf = (weight: TensorInfo, outIn: boolean): number => weight.shape[outIn ? 0 : 1] as number;
/** Width of x in x W. */
export const inputsOf = (weight: TensorInfo, outIn: boolean): number => weight.shape[outIn ? 1 : 0] as number;

/** c [m, n] = epilogue(a [m, k] op(W) [+ c]), op(W) [k, n]; W is stored [n, k] where `outIn`. */
function timesWeight(
  m: number,
  a: number,
  weight: TensorInfo,
  outIn: boolean,
  c: number,
  bias = 0,
  activation: NativeActivation = 'linear',
  pre = 0,
  saved = 0,
  residual = 0,
  accumulate = 0,
): void {
  const [k, n] = [inputsOf(weight, outIn), outputsOf(weight, outIn)];
  const packed = packedOperand(weight, k, n, outIn);
  // biome-ignore format: one command on one screen
  gemm(m, n, k, a, k, 0, operandAddress(weight, packed), outIn ? k : n, outIn ? 1 : 0, c, n, 1, accumulate, bias, ACTIVATION[activation], 0, 0, pre, saved, residual, packed);
}

const linearGradInput = nativeKernel<Inputs, { activation: NativeActivation; outIn: boolean; shape: number[] }>(
  'LinearGradInput',
  ({ inputs, attrs }) => {
    const { dz, weight, aux } = inputs as { dz: TensorInfo; weight: TensorInfo; aux?: TensorInfo };
    const out = backend.output([...attrs.shape]);
    const activation = aux === undefined ? 'linear' : attrs.activation;
    // the other way through the same weight
    const outIn = !attrs.outIn;
    const m = rowsOf(dz, inputsOf(weight, outIn));
    timesWeight(m, backend.address(dz), weight, outIn, backend.address(out), 0, activation, 0, addressOrNone(aux));
    return out;
  },
);

const linearGradWeight = nativeKernel<Inputs, { outIn: boolean; shape: number[] }>(
  'LinearGradWeight',
  ({ inputs, attrs }) => {
    const { x, dz } = inputs as { x: TensorInfo; dz: TensorInfo };
    const [m, n] = attrs.shape as [number, number];
    const out = backend.output([m, n]);
    const [a, b] = attrs.outIn ? [dz, x] : [x, dz];
    const k = rowsOf(a, m);
    // biome-ignore format: one command on one screen
    gemm(m, n, k, backend.address(a), m, 1, backend.address(b), n, 0, backend.address(out), n, 1, 0, 0, ACTIVATION.linear, 0, 0, 0, 0, 0, 0);
    return out;
  },
);

const biasGrad = nativeKernel<Inputs, { size: number }>('BiasGrad', ({ inputs, attrs: { size } }) => {
  const dz = inputs.dz as TensorInfo;
  const out = backend.output([size]);
  emit(SUM_ROWS, backend.address(dz), backend.address(out), rowsOf(dz, size), size);
  return out;
});

interface GatedAttributes {
  activation: NativeActivation;
  outIn: boolean;
  training: boolean;
}

const gatedMlp = nativeKernel<Inputs, GatedAttributes>('GatedMlp', ({ inputs, attrs }) => {
  const { x, gate, up, down, residual } = inputs as { [name in 'x' | 'gate' | 'up' | 'down']: TensorInfo } & Inputs;
  const { activation, outIn, training } = attrs;
  const width = outputsOf(gate, outIn);
  const m = rowsOf(x, inputsOf(gate, outIn));
  const a = backend.address(x);
  const [zg, u] = [backend.output([m, width]), backend.output([m, width])];
  timesWeight(m, a, gate, outIn, backend.address(zg));
  timesWeight(m, a, up, outIn, backend.address(u));
  // generation needs neither input again: h takes the place of u
  const h = training ? backend.output([m, width]) : u;
  emit(GATED, backend.address(zg), backend.address(u), backend.address(h), m * width, ACTIVATION[activation]);
  const y = backend.output([...x.shape.slice(0, -1), outputsOf(down, outIn)]);
  const added = addressOrNone(residual);
  timesWeight(m, backend.address(h), down, outIn, backend.address(y), 0, 'linear', 0, 0, added);
  if (training) return [y, zg, u, h];
  backend.disposeIntermediateTensorInfo(zg);
  backend.disposeIntermediateTensorInfo(u);
  return [y];
});

const gatedMlpGrad = nativeKernel<Inputs, GatedAttributes>('GatedMlpGrad', ({ inputs, attrs }) => {
  const { dy, down, zg, u } = inputs as { [name in 'dy' | 'down' | 'zg' | 'u']: TensorInfo };
  const outIn = !attrs.outIn;
  const m = rowsOf(dy, inputsOf(down, outIn));
  // dh, then du in its place
  const dh = backend.output(zg.shape);
  timesWeight(m, backend.address(dy), down, outIn, backend.address(dh));
  const dzg = backend.output(zg.shape);
  emit(
    GATED_GRAD,
    backend.address(dh),
    backend.address(zg),
    backend.address(u),
    backend.address(dzg),
    backend.address(dh),
    m * outputsOf(down, outIn),
    ACTIVATION[attrs.activation],
    needsInput(attrs.activation) ? 1 : 0,
  );
  return [dzg, dh];
});

const gatedMlpGradInput = nativeKernel<Inputs, { outIn: boolean; shape: number[] }>(
  'GatedMlpGradInput',
  ({ inputs, attrs }) => {
    const { dzg, du, gate, up } = inputs as { [name in 'dzg' | 'du' | 'gate' | 'up']: TensorInfo };
    const out = backend.output([...attrs.shape]);
    const c = backend.address(out);
    const m = dzg.shape[0] as number;
    timesWeight(m, backend.address(dzg), gate, !attrs.outIn, c);
    timesWeight(m, backend.address(du), up, !attrs.outIn, c, 0, 'linear', 0, 0, 0, 1);
    return out;
  },
);

export const kernels: readonly KernelConfig[] = [
  linearGradInput,
  linearGradWeight,
  biasGrad,
  gatedMlp,
  gatedMlpGrad,
  gatedMlpGradInput,
];
