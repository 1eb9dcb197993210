// BatchMatMul and _FusedMatMul: tfjs's products with broadcast batches, bias and activation in the product's epilogue.
import {
  type _FusedMatMulAttrs,
  type BatchMatMulAttrs,
  broadcast_util,
  getKernel,
  type KernelConfig,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { NativeActivation } from '../activation.ts';
import { backend } from '../backend.ts';
import { type Product, product, productBatch } from './gemm.ts';
import { hostKernel, nativeKernel } from './host.ts';
import { packedOperand } from './packed.ts';

/** What follows the sums. */
type End = Pick<Product, 'bias' | 'activation' | 'slope' | 'slopes'>;

interface Operands {
  a: TensorInfo; // [...batch, M, K], or [...batch, K, M] when transposed
  b: TensorInfo; // [...batch, K, N], or [...batch, N, K]
}

/** Batch dimensions of both operands as strides over the broadcast ones, in matrices; 0 where an operand repeats. */
function batchStrides(batch: readonly number[], own: readonly number[]): number[] {
  const strides = new Array<number>(batch.length).fill(0);
  let stride = 1;
  for (let d = own.length - 1; d >= 0; d--) {
    const size = own[d] as number;
    if (size !== 1) strides[d + batch.length - own.length] = stride;
    stride *= size;
  }
  return strides;
}

/** Broadcast products of any rank >= 2; the result is [...batch, M, N]. */
function matMul({ a, b }: Operands, transposeA: boolean, transposeB: boolean, end: End): TensorInfo {
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  const [rowsA, columnsA] = [a.shape[rankA - 2] as number, a.shape[rankA - 1] as number];
  const [rowsB, columnsB] = [b.shape[rankB - 2] as number, b.shape[rankB - 1] as number];
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [kB, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (k !== kB)
    throw new Error(
      `Error in matMul: inner shapes (${k}) and (${kB}) of Tensors with shapes ${a.shape} and ${b.shape} ` +
        `and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
    );
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const result = backend.output([...batch, m, n]);
  const one = {
    k,
    n,
    a: backend.address(a),
    transposeA,
    b: backend.address(b),
    transposeB,
    c: backend.address(result),
    ...end,
  };
  const countA = util.sizeFromShape(batchA);
  const count = util.sizeFromShape(batch);
  if (count === 0) return result;
  // one matrix on the right: all rows of the left form one product
  if (util.sizeFromShape(batchB) === 1 && countA === count && (!transposeA || count === 1)) {
    product({ ...one, m: m * count, lda: columnsA, packed: packedOperand(b, k, n, transposeB) });
    return result;
  }
  // inner dimensions over which both operands step evenly form one batch; the others are walked here
  const strideA = batchStrides(batch, batchA);
  const strideB = batchStrides(batch, batchB);
  let inner = batch.length - 1;
  let size = batch[inner] as number;
  while (
    inner > 0 &&
    strideA[inner - 1] === (strideA[inner] as number) * (batch[inner] as number) &&
    strideB[inner - 1] === (strideB[inner] as number) * (batch[inner] as number)
  ) {
    inner--;
    size *= batch[inner] as number;
  }
  const last = batch.length - 1;
  const outer = batch.slice(0, inner);
  const index = outer.map(() => 0);
  for (let done = 0; done < count; done += size) {
    const at = (strides: number[]): number => index.reduce((sum, i, d) => sum + i * (strides[d] as number), 0);
    productBatch({
      ...one,
      m,
      count: size,
      strideA: (strideA[last] as number) * m * k,
      strideB: (strideB[last] as number) * k * n,
      strideC: m * n,
      a: one.a + at(strideA) * m * k * 4,
      b: one.b + at(strideB) * k * n * 4,
      c: one.c + done * m * n * 4,
    });
    for (let d = outer.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (outer[d] as number)) break;
      index[d] = 0;
    }
  }
  return result;
}

const hostMatMul = hostKernel('BatchMatMul');
const hostFused = hostKernel('_FusedMatMul');

const batchMatMul = nativeKernel<Operands, BatchMatMulAttrs>('BatchMatMul', (call) => {
  const { a, b } = call.inputs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return hostMatMul({ ...call, backend } as never);
  return matMul(call.inputs, call.attrs.transposeA, call.attrs.transposeB, {});
});

interface FusedOperands extends Operands {
  bias?: TensorInfo;
  preluActivationWeights?: TensorInfo;
}

/** True for a tensor that holds one value per column of a result with n columns. */
function isPerColumn(x: TensorInfo, n: number): boolean {
  return x.shape.at(-1) === n && util.sizeFromShape(x.shape) === n;
}

/** Runs another kernel of this backend on intermediate results, disposing of the first input. */
function then(kernel: string, first: string, x: TensorInfo, others: Record<string, TensorInfo>): TensorInfo {
  const result = getKernel(kernel, 'native').kernelFunc({ inputs: { [first]: x, ...others }, attrs: {}, backend });
  backend.disposeIntermediateTensorInfo(x);
  return result as TensorInfo;
}

const fusedMatMul = nativeKernel<FusedOperands, _FusedMatMulAttrs>('_FusedMatMul', (call) => {
  const { a, b, bias, preluActivationWeights: slopes } = call.inputs;
  const { transposeA, transposeB, leakyreluAlpha } = call.attrs;
  const activation: NativeActivation = call.attrs.activation ?? 'linear';
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return hostFused({ ...call, backend } as never);
  const n = (transposeB ? b.shape.at(-2) : b.shape.at(-1)) as number;
  // a bias or slopes of another shape than one value per column follow as ops of their own
  const early = bias === undefined || isPerColumn(bias, n);
  const whole = early && (activation !== 'prelu' || (slopes !== undefined && isPerColumn(slopes, n)));
  const end: End = {};
  if (bias !== undefined && early) end.bias = backend.address(bias);
  if (whole) {
    end.activation = activation;
    if (leakyreluAlpha !== undefined) end.slope = leakyreluAlpha;
    if (slopes !== undefined) end.slopes = backend.address(slopes);
    return matMul(call.inputs, transposeA, transposeB, end);
  }
  let result = matMul(call.inputs, transposeA, transposeB, end);
  if (bias !== undefined && !early) result = then('Add', 'a', result, { b: bias });
  if (activation === 'prelu' && slopes !== undefined) return then('Prelu', 'x', result, { alpha: slopes });
  if (activation === 'linear') return result;
  const names = { relu: 'Relu', relu6: 'Relu6', elu: 'Elu', sigmoid: 'Sigmoid', leakyrelu: 'LeakyRelu' } as const;
  const kernel = names[activation as keyof typeof names];
  const activated = getKernel(kernel, 'native').kernelFunc({
    inputs: { x: result },
    attrs: { alpha: leakyreluAlpha ?? 0.2 },
    backend,
  });
  backend.disposeIntermediateTensorInfo(result);
  return activated;
});

export const kernels: readonly KernelConfig[] = [batchMatMul, fusedMatMul];
