// Chains of linear layers (kernels Mlp, GatedMlp) and the products of their backward passes: each a matrix product with
// its epilogue (cc/gemm.h). The formulas stand at the ops, tensor-core/src/ops/mlp.ts and gated-mlp.ts.
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeActivation } from '../activation.ts';
import { ACTIVATION } from '../activation.ts';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { type Product, product } from '../kernels/gemm.ts';
import { nativeKernel } from '../kernels/host.ts';
import { packedOperand } from '../kernels/packed.ts';
import { sizeOf } from '../kernels/shapes.ts';

const SUM_ROWS = op('sum_rows');
const GATED = op('gated');
const GATED_GRAD = op('gated_grad');

type Inputs = { [name: string]: TensorInfo | undefined };

/** Activations whose derivative is taken from their input; the others give it from their output. */
const needsInput = (activation: NativeActivation): boolean =>
  activation === 'gelu' || activation === 'gelu-erf' || activation === 'silu';

const rowsOf = (x: TensorInfo, width: number): number => (width === 0 ? 0 : sizeOf(x.shape) / width);

/** What every product with a weight on its right says about it: op(W) is [k, n]. */
function right(weight: TensorInfo, outIn: boolean): Pick<Product, 'k' | 'n' | 'b' | 'transposeB' | 'packed'> {
  const [rows, columns] = weight.shape as [number, number];
  const [k, n] = outIn ? [columns, rows] : [rows, columns];
  return { k, n, b: backend.address(weight), transposeB: outIn, packed: packedOperand(weight, k, n, outIn) };
}

/** The other way through the same weight: op(W)ᵀ. */
const back = (weight: TensorInfo, outIn: boolean): ReturnType<typeof right> => right(weight, !outIn);

interface MlpAttributes {
  layers: number;
  activation: NativeActivation;
  outputActivation: NativeActivation;
  outIn: boolean;
  training: boolean;
}

const mlp = nativeKernel<Inputs, MlpAttributes>('Mlp', ({ inputs, attrs }) => {
  const { layers, activation, outputActivation, outIn, training } = attrs;
  const x = inputs.x as TensorInfo;
  const residual = inputs.residual;
  const m = rowsOf(x, right(inputs.weight0 as TensorInfo, outIn).k);
  const saved: TensorInfo[] = [];
  let h = x;
  for (let i = 0; i < layers; i++) {
    const weight = inputs[`weight${i}`] as TensorInfo;
    const bias = inputs[`bias${i}`];
    const last = i === layers - 1;
    const act = last ? outputActivation : activation;
    const operand = right(weight, outIn);
    const out = backend.output(last ? [...x.shape.slice(0, -1), operand.n] : [m, operand.n]);
    const keepInput = training && act !== 'linear' && (needsInput(act) || (last && residual !== undefined));
    const z = keepInput ? backend.output([m, operand.n]) : undefined;
    product({
      ...operand,
      m,
      a: backend.address(h),
      c: backend.address(out),
      bias: bias === undefined ? 0 : backend.address(bias),
      activation: act,
      pre: z === undefined ? 0 : backend.address(z),
      residual: last && residual !== undefined ? backend.address(residual) : 0,
    });
    if (z !== undefined) saved.push(z);
    if (!last && training) saved.push(out);
    if (!training && h !== x) backend.disposeIntermediateTensorInfo(h);
    h = out;
  }
  return [h, ...saved];
});

const linearGradInput = nativeKernel<Inputs, { activation: NativeActivation; outIn: boolean; shape: number[] }>(
  'LinearGradInput',
  ({ inputs, attrs }) => {
    const { dz, weight, aux } = inputs as { dz: TensorInfo; weight: TensorInfo; aux?: TensorInfo };
    const operand = back(weight, attrs.outIn);
    const out = backend.output([...attrs.shape]);
    product({
      ...operand,
      m: rowsOf(dz, operand.k),
      a: backend.address(dz),
      c: backend.address(out),
      activation: aux === undefined ? 'linear' : attrs.activation,
      saved: aux === undefined ? 0 : backend.address(aux),
    });
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
    product({
      m,
      n,
      k: rowsOf(a, m),
      a: backend.address(a),
      transposeA: true,
      b: backend.address(b),
      c: backend.address(out),
    });
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
  const first = right(gate, outIn);
  const m = rowsOf(x, first.k);
  const a = backend.address(x);
  const [zg, u] = [backend.output([m, first.n]), backend.output([m, first.n])];
  product({ ...first, m, a, c: backend.address(zg) });
  product({ ...right(up, outIn), m, a, c: backend.address(u) });
  // generation needs neither input again: h takes the place of u
  const h = training ? backend.output([m, first.n]) : u;
  const size = m * first.n;
  emit(GATED, backend.address(zg), backend.address(u), backend.address(h), size, ACTIVATION[activation]);
  const last = right(down, outIn);
  const y = backend.output([...x.shape.slice(0, -1), last.n]);
  product({
    ...last,
    m,
    a: backend.address(h),
    c: backend.address(y),
    residual: residual === undefined ? 0 : backend.address(residual),
  });
  if (training) return [y, zg, u, h];
  backend.disposeIntermediateTensorInfo(zg);
  backend.disposeIntermediateTensorInfo(u);
  return [y];
});

const gatedMlpGrad = nativeKernel<Inputs, GatedAttributes>('GatedMlpGrad', ({ inputs, attrs }) => {
  const { dy, down, zg, u } = inputs as { [name in 'dy' | 'down' | 'zg' | 'u']: TensorInfo };
  const operand = back(down, attrs.outIn);
  const m = rowsOf(dy, operand.k);
  // dh, then du in its place
  const dh = backend.output(zg.shape);
  product({ ...operand, m, a: backend.address(dy), c: backend.address(dh) });
  const dzg = backend.output(zg.shape);
  emit(
    GATED_GRAD,
    backend.address(dh),
    backend.address(zg),
    backend.address(u),
    backend.address(dzg),
    backend.address(dh),
    m * operand.n,
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
    product({ ...back(gate, attrs.outIn), m, a: backend.address(dzg), c });
    product({ ...back(up, attrs.outIn), m, a: backend.address(du), c, accumulate: true });
    return out;
  },
);

export const kernels: readonly KernelConfig[] = [
  mlp,
  linearGradInput,
  linearGradWeight,
  biasGrad,
  gatedMlp,
  gatedMlpGrad,
  gatedMlpGradInput,
];
