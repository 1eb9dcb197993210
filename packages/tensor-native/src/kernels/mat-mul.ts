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
import { ACTIVATION, type NativeActivation } from '../activation.ts';
import { backend } from '../backend.ts';
import { gemm, productBatch } from './gemm.ts';
import { hostKernel, nativeKernel } from './host.ts';
import { operandAddress, packedOperand } from './packed.ts';

/** What follows the sums. */
interface End {
  bias: number;
  activation: NativeActivation;
  slope: number;
  slopes: number;
}

const NOTHING: End = { bias: 0, activation: 'linear', slope: 0, slopes: 0 };

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

/** Products of any rank >= 2 with broadcast batches; the result is [...batch, M, N]. */
function matMul(a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean, end: End): TensorInfo {
  const rankA = a.shape.length;
  const rankB = b.shape.length;
  const rowsA = a.shape[rankA - 2] as number;
  const columnsA = a.shape[rankA - 1] as number;
  const rowsB = b.shape[rankB - 2] as number;
  const columnsB = b.shape[rankB - 1] as number;
  const m = transposeA ? columnsA : rowsA;
  const k = transposeA ? rowsA : columnsA;
  const n = transposeB ? rowsB : columnsB;
  if (k !== (transposeB ? columnsB : rowsB))
    throw new Error(
      `Error in matMul: inner shapes (${k}) and (${transposeB ? columnsB : rowsB}) of Tensors with shapes ` +
        `${a.shape} and ${b.shape} and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
    );
  if (rankA > 2 || rankB > 2) return batched(a, b, m, k, n, transposeA, transposeB, end);
  const result = backend.output([m, n]);
  single(a, b, result, m, k, n, columnsA, transposeA, transposeB, end);
  return result;
}

/** One product of m rows. */
function single(
  a: TensorInfo,
  b: TensorInfo,
  result: TensorInfo,
  m: number,
  k: number,
  n: number,
  lda: number,
  transposeA: boolean,
  transposeB: boolean,
  { bias, activation, slope, slopes }: End,
): void {
  const packed = packedOperand(b, k, n, transposeB, transposeA);
  // biome-ignore format: one command on one screen
  gemm(m, n, k, backend.address(a), lda, transposeA ? 1 : 0, operandAddress(b, packed), transposeB ? k : n, transposeB ? 1 : 0, backend.address(result), n, 1, 0, bias, ACTIVATION[activation], slope, slopes, 0, 0, 0, packed);
}

function batched(
  a: TensorInfo,
  b: TensorInfo,
  m: number,
  k: number,
  n: number,
  transposeA: boolean,
  transposeB: boolean,
  end: End,
): TensorInfo {
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const result = backend.output([...batch, m, n]);
  const countA = util.sizeFromShape(batchA);
  const count = util.sizeFromShape(batch);
  if (count === 0) return result;
  // one matrix on the right: all rows of the left form one product
  if (util.sizeFromShape(batchB) === 1 && countA === count && (!transposeA || count === 1)) {
    single(a, b, result, m * count, k, n, transposeA ? m : k, transposeA, transposeB, end);
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
      ...end,
      m,
      k,
      n,
      transposeA,
      transposeB,
      count: size,
      strideA: (strideA[last] as number) * m * k,
      strideB: (strideB[last] as number) * k * n,
      strideC: m * n,
      a: backend.address(a) + at(strideA) * m * k * 4,
      b: backend.address(b) + at(strideB) * k * n * 4,
      c: backend.address(result) + done * m * n * 4,
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
  return matMul(a, b, call.attrs.transposeA, call.attrs.transposeB, NOTHING);
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
  // the host refuses what it does not know by name
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || ACTIVATION[activation] === undefined)
    return hostFused({ ...call, backend } as never);
  const n = (transposeB ? b.shape.at(-2) : b.shape.at(-1)) as number;
  // a bias or slopes of another shape than one value per column follow as ops of their own
  const early = bias === undefined || isPerColumn(bias, n);
  const whole = early && (activation !== 'prelu' || (slopes !== undefined && isPerColumn(slopes, n)));
  const end: End = { ...NOTHING };
  if (bias !== undefined && early) end.bias = backend.address(bias);
  if (whole) {
    end.activation = activation;
    if (leakyreluAlpha !== undefined) end.slope = leakyreluAlpha;
    if (slopes !== undefined) end.slopes = backend.address(slopes);
    return matMul(a, b, transposeA, transposeB, end);
  }
  let result = matMul(a, b, transposeA, transposeB, end);
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
