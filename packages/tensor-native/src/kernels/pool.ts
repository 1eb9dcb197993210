// Two-dimensional pooling, its gradients, and batch normalisation (cc/kernels/pool.cc, norm.cc).
import { backend_util, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { refuseNegative, shapeWords } from './conv.ts';
import { hostBody, nativeKernel } from './host.ts';
import { sameShape, sizeOf } from './shapes.ts';

interface PoolAttrs {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function poolInfo(shape: number[], attrs: PoolAttrs): backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  return refuseNegative(info, 'pool');
}

function forward(kernelName: string, name: string): KernelConfig {
  const operation = op(name);
  const host = hostBody(kernelName);
  return nativeKernel<{ x: TensorInfo }, PoolAttrs>(kernelName, (call) => {
    const { x } = call.inputs;
    if (x.dtype !== 'float32') return host(call);
    const info = poolInfo(x.shape, call.attrs);
    // tfjs: windows of one element that keep the shape change nothing, whatever the stride says
    if (info.filterHeight === 1 && info.filterWidth === 1 && sameShape(info.inShape, info.outShape))
      return backend.alias(x, x.shape);
    const out = backend.output(info.outShape);
    emit(operation, backend.address(x), backend.address(out), ...shapeWords(info));
    return out;
  });
}

const maxGradient = op('pool_max_gradient');
const averageGradient = op('pool_average_gradient');
const batchNorm = op('batch_norm');
const host = {
  max: hostBody('MaxPoolGrad'),
  average: hostBody('AvgPoolGrad'),
  batchNorm: hostBody('FusedBatchNorm'),
};

interface NormInputs {
  x: TensorInfo;
  mean: TensorInfo;
  variance: TensorInfo;
  offset?: TensorInfo;
  scale?: TensorInfo;
}

export const kernels: KernelConfig[] = [
  forward('MaxPool', 'pool_max_forward'),
  forward('AvgPool', 'pool_average_forward'),
  nativeKernel<{ dy: TensorInfo; input: TensorInfo }, PoolAttrs>('MaxPoolGrad', (call) => {
    const { dy, input } = call.inputs;
    if (dy.dtype !== 'float32' || input.dtype !== 'float32') return host.max(call);
    const out = backend.output(input.shape);
    const words = shapeWords(poolInfo(input.shape, call.attrs));
    emit(maxGradient, backend.address(dy), backend.address(input), backend.address(out), ...words);
    return out;
  }),
  nativeKernel<{ dy: TensorInfo; input: TensorInfo }, PoolAttrs>('AvgPoolGrad', (call) => {
    const { dy, input } = call.inputs;
    if (dy.dtype !== 'float32') return host.average(call);
    const out = backend.output(input.shape);
    emit(averageGradient, backend.address(dy), backend.address(out), ...shapeWords(poolInfo(input.shape, call.attrs)));
    return out;
  }),
  // statistics of one number per channel; tensors of other sizes, which tfjs cycles through, run on the host
  nativeKernel<NormInputs, { varianceEpsilon?: number }>('FusedBatchNorm', (call) => {
    const { x, mean, variance, offset, scale } = call.inputs;
    const channels = sizeOf(mean.shape);
    const fits = [mean, variance, offset, scale].every(
      (t) => t === undefined || t === null || (t.dtype === 'float32' && sizeOf(t.shape) === channels),
    );
    if (!fits || x.dtype !== 'float32' || channels === 0 || sizeOf(x.shape) % channels !== 0)
      return host.batchNorm(call);
    const out = backend.output(x.shape);
    emit(
      batchNorm,
      backend.address(x),
      backend.address(mean),
      backend.address(variance),
      offset ? backend.address(offset) : 0,
      scale ? backend.address(scale) : 0,
      backend.address(out),
      sizeOf(x.shape) / channels,
      channels,
      call.attrs.varianceEpsilon ?? 0.001,
    );
    return out;
  }),
];
