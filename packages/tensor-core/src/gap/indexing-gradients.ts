// Gradients of kernels that read or write by index: what was read in several places collects a sum.
import {
  add,
  engine,
  gatherND,
  type NamedAttrMap,
  registerGradient,
  reshape,
  scatterND,
  type Tensor,
  tensor,
  tensorScatterUpdate,
  transpose,
  unsortedSegmentSum,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';

type Rank2 = import('@tensorflow/tfjs-core').Tensor2D;

export function registerIndexingGradients(): void {
  registerGradient({ kernelName: 'GatherV2', inputsToSave: ['x', 'indices'], gradFunc: gatherGradient });
  registerGradient({
    kernelName: 'GatherNd',
    inputsToSave: ['params', 'indices'],
    gradFunc: (dy, saved) => {
      const [params, indices] = saved as [Tensor, Tensor];
      return {
        params: () => scatterND(indices, dy as Tensor, params.shape),
        indices: () => zeros(indices.shape),
      };
    },
  });
  registerGradient({
    kernelName: 'ScatterNd',
    inputsToSave: ['indices'],
    gradFunc: (dy, saved) => {
      const [indices] = saved as [Tensor];
      return { indices: () => zeros(indices.shape), updates: () => gatherND(dy as Tensor, indices) };
    },
  });
  registerGradient({
    kernelName: 'TensorScatterUpdate',
    inputsToSave: ['indices', 'updates'],
    gradFunc: (dy, saved) => {
      const [indices, updates] = saved as [Tensor, Tensor];
      return {
        tensor: () => tensorScatterUpdate(dy as Tensor, indices, zerosLike(updates)),
        indices: () => zeros(indices.shape),
        updates: () => gatherND(dy as Tensor, indices),
      };
    },
  });
  registerGradient({
    kernelName: 'TopK',
    inputsToSave: ['x'],
    outputsToSave: [false, true],
    gradFunc: (dys, saved) => {
      const [x, indices] = saved as [Tensor, Tensor];
      const [dy] = dys as Tensor[];
      const n = x.shape.at(-1) ?? 1;
      return { x: () => scatterRows(dy as Tensor, indices, x.size / Math.max(1, n), n, x.shape) };
    },
  });
  registerGradient({ kernelName: 'StridedSlice', inputsToSave: ['x'], gradFunc: stridedSliceGradient });
}

/**
 * gather on any axis, with any number of batch dimensions. tfjs's gradient fails with one and is wrong with more.
 * x [B, O, A, I], indices [B, J], y [B, O, J, I], each letter standing for any number of dimensions.
 */
function gatherGradient(
  dy: Tensor | Tensor[],
  saved: Tensor[],
  attrs: NamedAttrMap,
): { x: () => Tensor; indices: () => Tensor } {
  const [x, indices] = saved as [Tensor, Tensor];
  const { axis: atAxis, batchDims: dims = 0 } = attrs as { axis: number; batchDims?: number };
  const axis = (atAxis + x.rank) % x.rank;
  const batchDims = dims < 0 ? dims + indices.rank : dims;
  const [b, o, i] = [
    size(x.shape.slice(0, batchDims)),
    size(x.shape.slice(batchDims, axis)),
    size(x.shape.slice(axis + 1)),
  ];
  const a = x.shape[axis] ?? 1;
  const j = size(indices.shape.slice(batchDims));
  return {
    x: () => {
      let values: Tensor = dy as Tensor;
      if (o > 1) values = transpose(reshape(values, [b, o, j, i]), [0, 2, 1, 3]); // [B, J, O, I]
      const sums = segmentSum(reshape(values, [b * j, o * i]), rowIndices(indices, b, j, a), b * a);
      if (o === 1) return reshape(sums, x.shape);
      return reshape(transpose(reshape(sums, [b, a, o, i]), [0, 2, 1, 3]), x.shape);
    },
    indices: () => zeros(indices.shape),
  };
}

/** Positions of the elements that the slice reads, by slicing the positions; then a sum per position. */
function stridedSliceGradient(dy: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap): { x: () => Tensor } {
  const [x] = saved as [Tensor];
  return {
    x: () => {
      const positions = tensor(
        Int32Array.from({ length: x.size }, (_, i) => i),
        x.shape,
        'int32',
      );
      const read = engine().runKernel('StridedSlice', { x: positions }, attrs) as Tensor;
      const sums = segmentSum(reshape(dy as Tensor, [read.size, 1]), reshape(read, [read.size]), x.size);
      return reshape(sums, x.shape);
    },
  };
}

/** dy [.., k] into zeros of `shape` [.., n] at `indices` [.., k] of each row. */
function scatterRows(dy: Tensor, indices: Tensor, rows: number, n: number, shape: number[]): Tensor {
  const k = indices.size / Math.max(1, rows);
  return reshape(segmentSum(reshape(dy, [rows * k, 1]), rowIndices(indices, rows, k, n), rows * n), shape);
}

/** indices [rows, k] of positions below n, as positions below rows·n: [rows·k]. */
function rowIndices(indices: Tensor, rows: number, k: number, n: number): Tensor {
  if (rows === 1) return reshape(indices, [k]);
  const starts = tensor(
    Int32Array.from({ length: rows }, (_, r) => r * n),
    [rows, 1],
    'int32',
  );
  return reshape(add(reshape(indices, [rows, k]), starts), [rows * k]);
}

/** Sums rows of values [N, D] by segment: [segments, D]. */
function segmentSum(values: Tensor, ids: Tensor, segments: number): Tensor {
  return unsortedSegmentSum(values as Rank2, ids as never, segments);
}

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
