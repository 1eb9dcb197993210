// Images resized, and blocks of pixels moved between space, batch and depth (cc/kernels/resize.cc, layout.cc).
import { backend_util, type KernelConfig, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { hostBody, nativeKernel } from './host.ts';
import { padded, sliced, transposed } from './layout.ts';
import { isNumeric, sizeOf } from './shapes.ts';

interface ResizeAttrs {
  alignCorners: boolean;
  halfPixelCenters?: boolean;
  size: [number, number];
}

function resize(kernelName: string, name: string): KernelConfig {
  const operation = op(name);
  const host = hostBody(kernelName);
  return nativeKernel<{ images: TensorInfo }, ResizeAttrs>(kernelName, (call) => {
    const { images } = call.inputs;
    const { alignCorners, halfPixelCenters = false, size } = call.attrs;
    if (images.dtype !== 'float32' || sizeOf(images.shape) === 0) return host(call);
    const [batch, height, width, channels] = images.shape as [number, number, number, number];
    const out = backend.output([batch, ...size, channels]);
    emit(
      operation,
      backend.address(images),
      backend.address(out),
      batch,
      height,
      width,
      ...size,
      channels,
      Number(alignCorners),
      Number(halfPixelCenters),
    );
    return out;
  });
}

function resizeGradient(kernelName: string, name: string): KernelConfig {
  const operation = op(name);
  const host = hostBody(kernelName);
  return nativeKernel<{ images: TensorInfo; dy: TensorInfo }, { alignCorners: boolean }>(kernelName, (call) => {
    const { images, dy } = call.inputs;
    if (images.dtype !== 'float32' || dy.dtype !== 'float32') return host(call);
    const [batch, height, width, channels] = images.shape as [number, number, number, number];
    const out = backend.output(images.shape);
    emit(
      operation,
      backend.address(dy),
      backend.address(out),
      batch,
      height,
      width,
      dy.shape[1] as number,
      dy.shape[2] as number,
      channels,
      Number(call.attrs.alignCorners),
      0,
    );
    return out;
  });
}

/** Reshape, transpose, reshape: what all moves of blocks come down to. */
function rearranged(x: TensorInfo, split: number[], order: number[], joined: number[]): TensorInfo {
  const moved = transposed({ ...x, shape: split }, order);
  return { ...moved, shape: joined };
}

const host = {
  spaceToBatch: hostBody('SpaceToBatchND'),
  batchToSpace: hostBody('BatchToSpaceND'),
  depthToSpace: hostBody('DepthToSpace'),
};

export const kernels: KernelConfig[] = [
  resize('ResizeBilinear', 'resize_bilinear'),
  resize('ResizeNearestNeighbor', 'resize_nearest'),
  resizeGradient('ResizeBilinearGrad', 'resize_bilinear_gradient'),
  resizeGradient('ResizeNearestNeighborGrad', 'resize_nearest_gradient'),
  nativeKernel<{ x: TensorInfo }, { blockShape: number[]; paddings: [number, number][] }>('SpaceToBatchND', (call) => {
    const { x } = call.inputs;
    const { blockShape, paddings } = call.attrs;
    if (!isNumeric(x)) return host.spaceToBatch(call);
    const all = x.shape.map((_, i): [number, number] => paddings[i - 1] ?? [0, 0]);
    const wide = padded(x, all, 0);
    const blocks = util.sizeFromShape(blockShape);
    const split = backend_util.getReshaped(wide.shape, blockShape, blocks, false);
    const order = backend_util.getPermuted(split.length, blockShape.length, false);
    const joined = backend_util.getReshapedPermuted(wide.shape, blockShape, blocks, false);
    const out = rearranged(wide, split, order, joined);
    backend.disposeData(wide.dataId);
    return out;
  }),
  nativeKernel<{ x: TensorInfo }, { blockShape: number[]; crops: number[][] }>('BatchToSpaceND', (call) => {
    const { x } = call.inputs;
    const { blockShape, crops } = call.attrs;
    if (!isNumeric(x) || crops.flat().some((n) => n < 0)) return host.batchToSpace(call);
    const blocks = util.sizeFromShape(blockShape);
    const split = backend_util.getReshaped(x.shape, blockShape, blocks);
    const order = backend_util.getPermuted(split.length, blockShape.length);
    const joined = backend_util.getReshapedPermuted(x.shape, blockShape, blocks);
    const whole = rearranged(x, split, order, joined);
    // these name the leading dimensions only
    const [begin, size] = slice_util.parseSliceParams(
      whole as never,
      backend_util.getSliceBeginCoords(crops, blockShape.length),
      backend_util.getSliceSize(joined, crops, blockShape.length),
    ) as [number[], number[]];
    const out = sliced(whole, begin, size);
    backend.disposeData(whole.dataId);
    return out;
  }),
  nativeKernel<{ x: TensorInfo }, { blockSize: number; dataFormat: string }>('DepthToSpace', (call) => {
    const { x } = call.inputs;
    const { blockSize: b, dataFormat } = call.attrs;
    if (!isNumeric(x) || dataFormat !== 'NHWC') return host.depthToSpace(call);
    const [batch, height, width, depth] = x.shape as [number, number, number, number];
    const channels = depth / (b * b);
    return rearranged(
      x,
      [batch, height, width, b, b, channels],
      [0, 1, 3, 2, 4, 5],
      [batch, height * b, width * b, channels],
    );
  }),
];
