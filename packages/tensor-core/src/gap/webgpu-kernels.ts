// What tfjs's WebGPU backend gets wrong, by its other kernels: nothing is read, as that would stop the GPU's queue.
import {
  broadcast_util,
  cumprod,
  cumsum,
  equal,
  getKernel,
  isNaN as isNaNTensor,
  type KernelFunc,
  max,
  min,
  mod,
  range,
  reshape,
  reverse,
  scalar,
  where as select,
  type Tensor,
  tidy,
  util,
  zeros,
} from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';

export function repairWebgpu(): void {
  overrideKernel('webgpu', 'ArgMax', () => firstExtreme(max));
  overrideKernel('webgpu', 'ArgMin', () => firstExtreme(min));
  const { kernelFunc: multiply } = getKernel('Multiply', 'webgpu');
  overrideKernel('webgpu', 'Cast', (stock) => castByProduct(stock, multiply));
  overrideKernel('webgpu', 'Cumsum', (stock) => backwardsByTurning(stock, cumsum));
  overrideKernel('webgpu', 'Cumprod', (stock) => backwardsByTurning(stock, cumprod));
  for (const kernelName of ['BatchMatMul', '_FusedMatMul']) overrideKernel('webgpu', kernelName, withEmptyOperands);
}

/**
 * A kernel for ArgMax or ArgMin: the position of the first of equal elements, past every NaN; 0 among nothing but NaN.
 * The stock one splits a row among threads and answers with that of any of them.
 * @param extreme `max` or `min`
 */
export function firstExtreme(extreme: typeof max): KernelFunc {
  const none = extreme === max ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return ({ inputs, attrs }) => {
    const x = inputs.x as Tensor;
    const axis = util.parseAxisParam((attrs?.axis ?? 0) as number, x.shape)[0] ?? 0;
    const n = x.shape[axis] ?? 1;
    return tidy(() => {
      const numbers = x.dtype === 'float32' ? select(isNaNTensor(x), scalar(none), x) : x;
      const along = x.shape.map((_, d) => (d === axis ? n : 1));
      const positions = reshape(range(0, n, 1, 'int32'), along);
      const best = equal(x, extreme(numbers, axis, true));
      const first = min(select(best, positions, scalar(n, 'int32')), axis);
      return mod(first, scalar(n, 'int32')); // n: no element was the best
    });
  };
}

/**
 * Truth values and whole numbers as float32. The stock kernel gives its input's storage another name, and kernels that
 * copy elements, such as a transposition, then do not compile.
 * @param multiply the backend's own product, which converts
 */
export function castByProduct(stock: KernelFunc, multiply: KernelFunc): KernelFunc {
  return (params) => {
    const x = params.inputs.x as Tensor;
    const converts = params.attrs?.dtype === 'float32' && (x.dtype === 'int32' || x.dtype === 'bool');
    if (!converts || x.shape.includes(0)) return stock(params);
    return tidy(() => multiply({ inputs: { a: scalar(1), b: x }, attrs: {}, backend: params.backend }) as Tensor);
  };
}

/**
 * A scan from the end: one from the start of the turned numbers. The stock shader holds the length of the first scan from
 * the end, and serves every later one of another length.
 * @param scan `cumsum` or `cumprod`
 */
export function backwardsByTurning(stock: KernelFunc, scan: typeof cumsum): KernelFunc {
  return (params) => {
    const {
      axis,
      exclusive,
      reverse: backwards,
    } = params.attrs as { axis: number; exclusive: boolean; reverse: boolean };
    if (!backwards) return stock(params);
    return tidy(() => reverse(scan(reverse(params.inputs.x as Tensor, axis), axis, exclusive), axis));
  };
}

/**
 * A matrix product where an operand has no elements: zeros, and what is fused with it. The stock kernel is refused by
 * WebGPU, which binds no empty buffer, and leaves its result unwritten.
 */
export function withEmptyOperands(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { a, b } = params.inputs as { a: Tensor; b: Tensor };
    const { transposeA, transposeB } = params.attrs as { transposeA: boolean; transposeB: boolean };
    if (!a.shape.includes(0) && !b.shape.includes(0)) return stock(params);
    const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const rows = a.shape.at(transposeA ? -1 : -2) as number;
    const columns = b.shape.at(transposeB ? -2 : -1) as number;
    const shape = [...batch, rows, columns];
    if (shape.includes(0)) return zeros(shape, a.dtype as 'float32');
    // only the inner dimension is empty: one of zeros gives the same
    const inner = (x: Tensor): Tensor =>
      zeros(
        x.shape.map((d) => d || 1),
        x.dtype as 'float32',
      );
    return tidy(() => stock({ ...params, inputs: { ...params.inputs, a: inner(a), b: inner(b) } }) as Tensor);
  };
}
