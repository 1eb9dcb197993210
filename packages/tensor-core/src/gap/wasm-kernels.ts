// What tfjs's wasm backend lacks for training or gets wrong, on its own memory or by its other kernels.
import {
  backend_util,
  type KernelBackend,
  type KernelFunc,
  matMul,
  type NamedAttrMap,
  pad,
  reshape,
  stack,
  stridedSlice,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  type TensorInfo,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { einsumByMatMul } from './einsum.ts';
import { addKernel, overrideKernel, sizeOf } from './kernel-override.ts';
import { onCpu } from './on-cpu.ts';
import { asPlainProduct, packedByShape } from './wasm-products.ts';

/** The part of tfjs's BackendWasm that its own kernels use. */
interface Wasm extends KernelBackend {
  makeOutput(shape: number[], dtype: string): TensorInfo;
  typedArrayFromHeap(x: TensorInfo): Float32Array | Int32Array | Uint8Array;
}

export function repairWasm(): void {
  addKernel('wasm', 'UnsortedSegmentSum', unsortedSegmentSum);
  addKernel('wasm', 'Einsum', einsumByMatMul);
  addKernel('wasm', 'Conv2DBackpropFilter', conv2dBackpropFilter);
  for (const name of ['DepthwiseConv2dNativeBackpropFilter', 'DepthwiseConv2dNativeBackpropInput']) {
    addKernel('wasm', name, onCpu(name));
  }
  // reads in front of its dy, whatever lies there
  overrideKernel('wasm', 'Conv3DBackpropInputV2', () => onCpu('Conv3DBackpropInputV2'));
  // NaN is lost
  overrideKernel('wasm', 'Maximum', () => elementwise('Maximum', Math.max));
  overrideKernel('wasm', 'Minimum', () => elementwise('Minimum', Math.min));
  overrideKernel('wasm', 'ClipByValue', () => ({ inputs, attrs, backend }) => {
    const { clipValueMin: low, clipValueMax: high } = attrs as { clipValueMin: number; clipValueMax: number };
    return unary(backend, inputs.x as TensorInfo, (v) => Math.min(Math.max(v, low), high));
  });
  overrideKernel(
    'wasm',
    'Relu6',
    () =>
      ({ inputs, backend }) =>
        unary(backend, inputs.x as TensorInfo, (v) => Math.min(Math.max(v, 0), 6)),
  );
  // 0 for small arguments
  overrideKernel(
    'wasm',
    'Log1p',
    () =>
      ({ inputs, backend }) =>
        unary(backend, inputs.x as TensorInfo, Math.log1p),
  );
  // reads the wrong rows where a batch has one row, or writes none
  overrideKernel('wasm', 'GatherV2', gatherWithBatch);
  // calls whole numbers floats
  overrideKernel('wasm', 'StridedSlice', (stock) => (params) => {
    const x = params.inputs.x as TensorInfo;
    const out = stock(params) as TensorInfo;
    if (out.dtype === x.dtype) return out;
    const wasm = params.backend as Wasm;
    const typed = wasm.makeOutput(out.shape, x.dtype);
    const [to, from] = [wasm.typedArrayFromHeap(typed), wasm.typedArrayFromHeap(out)];
    new Uint8Array(to.buffer, to.byteOffset, to.byteLength).set(
      new Uint8Array(from.buffer, from.byteOffset, to.byteLength),
    );
    wasm.disposeData(out.dataId);
    return typed;
  });
  for (const product of ['BatchMatMul', '_FusedMatMul']) overrideKernel('wasm', product, packedByShape);
  overrideKernel('wasm', 'BatchMatMul', asPlainProduct);
  // leaves the product over an inner size of 0 unwritten
  overrideKernel('wasm', 'BatchMatMul', (stock) => (params) => {
    const [a, b] = [params.inputs.a as TensorInfo, params.inputs.b as TensorInfo];
    const { transposeA, transposeB } = params.attrs as { transposeA: boolean; transposeB: boolean };
    if (!a.shape.includes(0) && !b.shape.includes(0)) return stock(params);
    const batch = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const shape = [...batch, a.shape.at(transposeA ? -1 : -2) ?? 0, b.shape.at(transposeB ? -2 : -1) ?? 0];
    const out = (params.backend as Wasm).makeOutput(shape, 'float32');
    (params.backend as Wasm).typedArrayFromHeap(out).fill(0);
    return out;
  });
}

/** f of every element, in place of a kernel; whole numbers stay whole. */
function unary(backend: unknown, x: TensorInfo, f: (v: number) => number): TensorInfo {
  const wasm = backend as Wasm;
  const out = wasm.makeOutput(x.shape, x.dtype);
  // views are taken last: an allocation may move the heap
  const [to, from] = [wasm.typedArrayFromHeap(out), wasm.typedArrayFromHeap(x)];
  for (let i = 0; i < to.length; i++) to[i] = f(from[i] ?? 0);
  return out;
}

/** f of pairs of elements: here for equal shapes and single numbers, by the cpu kernel where shapes broadcast. */
function elementwise(kernelName: string, f: (a: number, b: number) => number): KernelFunc {
  const broadcast = onCpu(kernelName);
  return (params) => {
    const [a, b] = [params.inputs.a as TensorInfo, params.inputs.b as TensorInfo];
    const [n, m] = [sizeOf(a), sizeOf(b)];
    const alike = util.arraysEqual(a.shape, b.shape) || (m === 1 && b.shape.length <= a.shape.length);
    if (!alike || a.dtype !== b.dtype || n === 0) return broadcast(params);
    const wasm = params.backend as Wasm;
    const out = wasm.makeOutput(a.shape, a.dtype);
    const [to, x, y] = [wasm.typedArrayFromHeap(out), wasm.typedArrayFromHeap(a), wasm.typedArrayFromHeap(b)];
    const step = m === 1 ? 0 : 1;
    for (let i = 0; i < n; i++) to[i] = f(x[i] ?? 0, y[i * step] ?? 0);
    return out;
  };
}

/** Sums rows of x [N, …] by segment; rows with a segment out of range are left out, as on tfjs's other backends. */
const unsortedSegmentSum: KernelFunc = ({ inputs, attrs, backend }) => {
  const [x, ids] = [inputs.x as TensorInfo, inputs.segmentIds as TensorInfo];
  const { numSegments } = attrs as { numSegments: number };
  const width = x.shape.slice(ids.shape.length).reduce((n, d) => n * d, 1);
  const wasm = backend as Wasm;
  const out = wasm.makeOutput([numSegments, ...x.shape.slice(ids.shape.length)], x.dtype);
  const [sums, from, at] = [wasm.typedArrayFromHeap(out), wasm.typedArrayFromHeap(x), wasm.typedArrayFromHeap(ids)];
  sums.fill(0);
  for (let row = 0; row < at.length; row++) {
    const segment = at[row] ?? -1;
    if (segment < 0 || segment >= numSegments) continue;
    const [to, start] = [segment * width, row * width];
    for (let i = 0; i < width; i++) sums[to + i] = (sums[to + i] ?? 0) + (from[start + i] ?? 0);
  }
  return out;
};

/** gather with batch dimensions as one without: rows of x [B, O, A, I] are looked up in x [B·O·A, I]. */
function gatherWithBatch(stock: KernelFunc): KernelFunc {
  return (params) => {
    const [x, indices] = [params.inputs.x as TensorInfo, params.inputs.indices as TensorInfo];
    const attrs = params.attrs as { axis: number; batchDims?: number };
    const axis = (attrs.axis + x.shape.length) % x.shape.length;
    const batchDims = ((attrs.batchDims ?? 0) + indices.shape.length) % Math.max(1, indices.shape.length);
    if (batchDims === 0 || x.shape.includes(0) || indices.shape.includes(0)) return stock(params);
    const outerShape = x.shape.slice(0, axis);
    const innerShape = x.shape.slice(axis + 1);
    const perBatch = outerShape.slice(batchDims).reduce((n, d) => n * d, 1);
    const lookups = indices.shape.slice(batchDims);
    const j = lookups.reduce((n, d) => n * d, 1);
    const n = x.shape[axis] ?? 1;
    const wasm = params.backend as Wasm;
    const outer = outerShape.reduce((product, d) => product * d, 1);
    const inner = innerShape.reduce((product, d) => product * d, 1);
    const out = wasm.makeOutput([...outerShape, ...lookups, ...innerShape], x.dtype);
    const [to, from, at] = [wasm.typedArrayFromHeap(out), wasm.typedArrayFromHeap(x), wasm.typedArrayFromHeap(indices)];
    for (let o = 0; o < outer; o++) {
      const batch = Math.floor(o / perBatch);
      for (let k = 0; k < j; k++) {
        const start = (o * n + (at[batch * j + k] ?? 0)) * inner;
        to.set(from.subarray(start, start + inner), (o * j + k) * inner);
      }
    }
    return out;
  };
}

/** dW[h, w] = Σ over batch and places of xᵀ·dy, one matrix product for each of the filter's places. */
const conv2dBackpropFilter: KernelFunc = ({ inputs, attrs }) => {
  const [x, dy] = [inputs.x as Tensor4D, inputs.dy as Tensor4D];
  const {
    strides,
    pad: padding,
    dataFormat,
    dimRoundingMode,
    filterShape,
  } = attrs as NamedAttrMap & {
    strides: [number, number] | number;
    pad: 'valid' | 'same' | number;
    dataFormat: 'NHWC' | 'NCHW';
    dimRoundingMode: 'floor' | 'round' | 'ceil';
    filterShape: [number, number, number, number];
  };
  if (dataFormat !== 'NHWC') throw new Error('Conv2DBackpropFilter on wasm: the data format must be NHWC');
  const info = backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, padding, dimRoundingMode, false);
  const { batchSize, outHeight, outWidth, outChannels, inChannels, strideHeight, strideWidth, padInfo } = info;
  const { top, bottom, left, right } = padInfo;
  const places = batchSize * outHeight * outWidth;
  return tidy(() => {
    const padded = pad(x, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
    const flat = reshape(dy, [places, outChannels]);
    const products: Tensor2D[] = [];
    for (let h = 0; h < info.filterHeight; h++) {
      for (let w = 0; w < info.filterWidth; w++) {
        const begin = [0, h, w, 0];
        const end = [
          batchSize,
          h + (outHeight - 1) * strideHeight + 1,
          w + (outWidth - 1) * strideWidth + 1,
          inChannels,
        ];
        const seen = stridedSlice(padded, begin, end, [1, strideHeight, strideWidth, 1]);
        products.push(matMul(reshape(seen, [places, inChannels]) as Tensor2D, flat as Tensor2D, true));
      }
    }
    return reshape(stack(products), filterShape) as Tensor;
  });
};
