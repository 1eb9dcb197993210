// Rows read, written and added up by index, and the largest elements (cc/kernels/gather.cc, top_k.cc).
import {
  backend_util,
  type DataType,
  gather_util,
  type KernelConfig,
  type OneHotAttrs,
  scatter_util,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, flush, op } from '../commands.ts';
import { castTo } from './cast.ts';
import { hostBody, nativeKernel } from './host.ts';
import { concatenated } from './layout.ts';
import { bytesOf, isNumeric, sameShape, sizeOf } from './shapes.ts';

const host = {
  gather: hostBody('GatherV2'),
  gatherNd: hostBody('GatherNd'),
  scatterNd: hostBody('ScatterNd'),
  tensorScatterUpdate: hostBody('TensorScatterUpdate'),
  segmentSum: hostBody('UnsortedSegmentSum'),
  oneHot: hostBody('OneHot'),
  topK: hostBody('TopK'),
};

/** Runs `body` with indices as int32 (tfjs lets float32 through). */
function withInt<R>(indices: TensorInfo, body: (ids: TensorInfo) => R): R {
  const ids = castTo(indices, 'int32');
  try {
    return body(ids);
  } finally {
    backend.disposeData(ids.dataId);
  }
}

const gather = op('gather');
const gatherNd = op('gather_nd');
const scatterNd: Record<string, number> = { float32: op('scatter_nd_float'), int32: op('scatter_nd_int') };
const tensorScatterUpdate = op('tensor_scatter_update');
const segmentSum: Record<string, number> = { float32: op('segment_sum_float'), int32: op('segment_sum_int') };
const oneHot = op('one_hot');
const topK: Record<string, number> = { float32: op('top_k_float'), int32: op('top_k_int') };
const typeCodes: Record<string, number> = { float32: 0, int32: 1, bool: 2 };

const reads: KernelConfig[] = [
  nativeKernel<{ x: TensorInfo; indices: TensorInfo }, { axis: number; batchDims: number }>('GatherV2', (call) => {
    const { x, indices } = call.inputs;
    if (!isNumeric(x) || !isNumeric(indices)) return host.gather(call);
    const axis = util.parseAxisParam(call.attrs.axis, x.shape)[0] as number;
    const info = backend_util.segment_util.collectGatherOpShapeInfo(
      x as never,
      indices as never,
      axis,
      call.attrs.batchDims ?? 0,
    );
    return withInt(indices, (ids) => {
      const out = backend.output(info.outputShape, x.dtype);
      if (sizeOf(info.outputShape) === 0) return out;
      try {
        emit(
          gather,
          backend.address(x),
          backend.address(ids),
          backend.address(out),
          info.batchSize,
          info.outerSize,
          info.dimSize,
          sizeOf(indices.shape) / info.batchSize,
          info.sliceSize,
          bytesOf(x),
        );
        flush(); // it may refuse
      } catch (error) {
        // only an index outside the axis stops the command: name it, as tfjs does
        backend.disposeData(out.dataId);
        const index = backend
          .buffer(ids.dataId)
          .view()
          .find((value) => value < 0 || value >= info.dimSize);
        throw new Error(`GatherV2: the index value ${index} is not in [0, ${info.dimSize - 1}]`, { cause: error });
      }
      return out;
    });
  }),
  nativeKernel<{ params: TensorInfo; indices: TensorInfo }>('GatherNd', (call) => {
    const { params, indices } = call.inputs;
    if (!isNumeric(params) || !isNumeric(indices)) return host.gatherNd(call);
    const [shape, count, inner, steps] = gather_util.prepareAndValidate(params, indices);
    return withInt(indices, (ids) => {
      const out = backend.output(shape, params.dtype);
      if (sizeOf(shape) === 0) return out;
      emit(
        gatherNd,
        backend.address(params),
        backend.address(ids),
        backend.address(out),
        count,
        indices.shape.at(-1) as number,
        inner,
        sizeOf(params.shape) / inner,
        bytesOf(params),
        ...steps,
      );
      flush(); // it may refuse
      return out;
    });
  }),
];

const writes: KernelConfig[] = [
  nativeKernel<{ indices: TensorInfo; updates: TensorInfo }, { shape: number[] }>('ScatterNd', (call) => {
    const { indices, updates } = call.inputs;
    const operation = scatterNd[updates.dtype];
    if (operation === undefined || !isNumeric(indices)) return host.scatterNd(call);
    const { shape } = call.attrs;
    const { sliceRank, numUpdates, sliceSize, strides, outputSize } = scatter_util.calculateShapes(
      updates,
      indices,
      shape,
    );
    return withInt(indices, (ids) => {
      const out = backend.output(shape, updates.dtype);
      if (outputSize === 0) return out;
      emit(
        operation,
        backend.address(ids),
        backend.address(updates),
        backend.address(out),
        numUpdates,
        sliceRank,
        sliceSize,
        outputSize / sliceSize,
        ...strides,
      );
      return out;
    });
  }),
  nativeKernel<{ tensor: TensorInfo; indices: TensorInfo; updates: TensorInfo }>('TensorScatterUpdate', (call) => {
    const { tensor, indices, updates } = call.inputs;
    if (!isNumeric(tensor) || updates.dtype !== tensor.dtype || !isNumeric(indices))
      return host.tensorScatterUpdate(call);
    const { sliceRank, numUpdates, sliceSize, strides, outputSize } = scatter_util.calculateShapes(
      updates,
      indices,
      tensor.shape,
    );
    return withInt(indices, (ids) => {
      const flat = { ...tensor, shape: [sizeOf(tensor.shape)] };
      const out = { ...concatenated([flat], 0), shape: tensor.shape };
      if (outputSize === 0) return out;
      emit(
        tensorScatterUpdate,
        backend.address(ids),
        backend.address(updates),
        backend.address(out),
        numUpdates,
        sliceRank,
        sliceSize,
        outputSize / sliceSize,
        bytesOf(tensor),
        Number(updates.shape.length === 0),
        ...strides,
      );
      return out;
    });
  }),
  nativeKernel<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>('UnsortedSegmentSum', (call) => {
    const { x, segmentIds } = call.inputs;
    const operation = segmentSum[x.dtype];
    if (operation === undefined || !isNumeric(segmentIds)) return host.segmentSum(call);
    const rank = segmentIds.shape.length;
    if (!sameShape(segmentIds.shape, x.shape.slice(0, rank)))
      throw new Error(
        `Error in unsortedSegmentSum: segmentIds of shape [${segmentIds.shape}] name other rows than x has, which is [${x.shape}]`,
      );
    const count = sizeOf(segmentIds.shape);
    const rest = x.shape.slice(rank);
    const { numSegments } = call.attrs;
    return withInt(segmentIds, (ids) => {
      const out = backend.output([numSegments, ...rest], x.dtype);
      emit(operation, backend.address(x), backend.address(ids), backend.address(out), count, sizeOf(rest), numSegments);
      return out;
    });
  }),
  nativeKernel<{ indices: TensorInfo }, OneHotAttrs & { dtype?: DataType }>('OneHot', (call) => {
    const { indices } = call.inputs;
    const { depth, onValue, offValue, dtype = 'int32' } = call.attrs;
    const code = typeCodes[dtype];
    if (code === undefined || !isNumeric(indices)) return host.oneHot(call);
    return withInt(indices, (ids) => {
      const out = backend.output([...indices.shape, depth], dtype);
      const count = sizeOf(indices.shape);
      emit(oneHot, backend.address(ids), backend.address(out), count, depth, onValue, offValue, code);
      return out;
    });
  }),
  nativeKernel<{ x: TensorInfo }, { k: number; sorted: boolean }>('TopK', (call) => {
    const { x } = call.inputs;
    const operation = topK[x.dtype];
    const n = x.shape.at(-1);
    const { k } = call.attrs;
    if (operation === undefined || n === undefined || k > n || !Number.isInteger(k)) return host.topK(call);
    const shape = [...x.shape.slice(0, -1), k];
    const values = backend.output(shape, x.dtype);
    const indices = backend.output(shape, 'int32');
    const rows = n === 0 ? 0 : sizeOf(x.shape) / n;
    emit(operation, backend.address(x), backend.address(values), backend.address(indices), rows, n, k);
    return [values, indices];
  }),
];

export const kernels: KernelConfig[] = [...reads, ...writes];
