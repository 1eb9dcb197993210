// Matrix products on wasm, fast and of the right array. tfjs's kernel has XNNPACK multiply [m, k] by [k, n] only; a transposed factor, or a batch
// against one matrix, goes through a loop of its own that takes ten to fifteen times as long: every gradient of a product
// does. Here such a product is brought to the two dimensions first; the copy that a transposition costs is small.
import {
  backend_util,
  getKernel,
  type KernelBackend,
  type KernelFunc,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';

/** Multiplications below which the loop is no slower than a copy and XNNPACK's packing (measured: 24³ to 48³). */
const few = 32 ** 3;

/** `BatchMatMul` of the wasm backend, by the stock kernel in the form in which that one is fast. */
export function asPlainProduct(stock: KernelFunc): KernelFunc {
  return (params) => {
    const [a, b] = [params.inputs.a as TensorInfo, params.inputs.b as TensorInfo];
    const { transposeA, transposeB } = params.attrs as { transposeA: boolean; transposeB: boolean };
    const [batchA, batchB] = [a, b].map(({ shape }) => util.sizeFromShape(shape.slice(0, -2))) as [number, number];
    const isPlain = !transposeA && !transposeB && batchA === 1;
    // rows of a batch are rows of one matrix, unless they lie across its columns
    if (batchB !== 1 || isPlain || (batchA !== 1 && transposeA) || !isFloat(a) || !isFloat(b)) return stock(params);
    const [rows, inner, columns] = [
      a.shape.at(transposeA ? -1 : -2) as number,
      a.shape.at(transposeA ? -2 : -1) as number,
      b.shape.at(transposeB ? -2 : -1) as number,
    ];
    // what does not fit is for the stock kernel to refuse
    if (inner !== b.shape.at(transposeB ? -1 : -2) || batchA * rows * inner * columns < few) return stock(params);

    const backend = params.backend as KernelBackend;
    const left = transposeA
      ? transposed(backend, a, inner, rows)
      : { dataId: a.dataId, dtype: a.dtype, shape: [batchA * rows, inner] };
    const right = transposeB
      ? transposed(backend, b, columns, inner)
      : { dataId: b.dataId, dtype: b.dtype, shape: [inner, columns] };
    const out = stock({
      inputs: { a: left, b: right },
      attrs: { transposeA: false, transposeB: false },
      backend,
    }) as TensorInfo;
    if (transposeA) backend.disposeData(left.dataId);
    if (transposeB) backend.disposeData(right.dataId);
    const batch = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return { dataId: out.dataId, dtype: out.dtype, shape: [...batch, rows, columns] };
  };
}

const isFloat = ({ dtype }: TensorInfo): boolean => dtype === 'float32';

/** Columns that XNNPACK has packed an array in, by its data. */
const packedColumns = new WeakMap<object, number>();

/**
 * `BatchMatMul` or `_FusedMatMul` of the wasm backend. tfjs has XNNPACK pack a right factor at its first product and finds it
 * again by its data alone: in another shape, as a reshaped view has it, it would be read as it was packed. There a copy is
 * multiplied.
 */
export function packedByShape(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { a, b } = params.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = params.attrs as { transposeA: boolean; transposeB: boolean };
    const isOne = ({ shape }: TensorInfo): boolean => util.sizeFromShape(shape.slice(0, -2)) === 1;
    if (transposeA || transposeB || !isOne(a) || !isOne(b)) return stock(params);
    const columns = b.shape.at(-1) as number;
    const before = packedColumns.get(b.dataId);
    if (before === undefined) packedColumns.set(b.dataId, columns);
    if (before === undefined || before === columns) return stock(params);
    const { kernelFunc: slice } = getKernel('Slice', 'wasm');
    const attrs = { begin: b.shape.map(() => 0), size: b.shape };
    const copy = slice({ inputs: { x: b }, attrs, backend: params.backend }) as TensorInfo;
    try {
      return stock({ ...params, inputs: { ...params.inputs, b: copy } });
    } finally {
      (params.backend as KernelBackend).disposeData(copy.dataId);
    }
  };
}

/** x of so many rows and columns, whatever dimensions of 1 stand before them, turned; the caller disposes its data. */
function transposed(backend: KernelBackend, x: TensorInfo, rows: number, columns: number): TensorInfo {
  const { kernelFunc } = getKernel('Transpose', 'wasm');
  const inputs = { x: { dataId: x.dataId, dtype: x.dtype, shape: [rows, columns] } };
  return kernelFunc({ inputs, attrs: { perm: [1, 0] }, backend }) as TensorInfo;
}
