// Convolutions over NHWC tensors with their gradients (cc/kernels/conv.cc, depthwise.cc).
//
// NCHW, which no training loop of ours uses, goes through transposes; numeric types other than float32 run on the host.
import { backend_util, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import { ACTIVATION } from '../activation.ts';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { applyBinary } from './binary.ts';
import { hostBody, nativeKernel } from './host.ts';
import { transposed } from './layout.ts';
import { sizeOf } from './shapes.ts';
import { applyUnary } from './unary.ts';

type Pad = 'valid' | 'same' | number | backend_util.ExplicitPadding;
type Rounding = 'floor' | 'round' | 'ceil';
type Pair = [number, number] | number;

interface ConvAttrs {
  strides: Pair;
  pad: Pad;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: Pair;
  dimRoundingMode?: Rounding;
}
interface FusedAttrs extends ConvAttrs {
  activation?: string;
  leakyreluAlpha?: number;
}

/** The words of cc/conv_shape.h. */
export function shapeWords(info: backend_util.Conv2DInfo): number[] {
  return [
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
  ];
}

const TO_LAST = [0, 2, 3, 1];
const TO_FIRST = [0, 3, 1, 2];
const isFirst = ({ dataFormat }: ConvAttrs): boolean => dataFormat === 'NCHW';
const permuted = (shape: number[], order: readonly number[]): number[] => order.map((axis) => shape[axis] as number);

type Shape4 = [number, number, number, number];

function convInfo(x: number[], filter: number[], attrs: ConvAttrs, depthwise = false): backend_util.Conv2DInfo {
  // explicit paddings are listed in the order of the caller's format
  const pad =
    Array.isArray(attrs.pad) && isFirst(attrs)
      ? (TO_LAST.map((axis) => (attrs.pad as backend_util.ExplicitPadding)[axis]) as backend_util.ExplicitPadding)
      : attrs.pad;
  const info = backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    attrs.strides,
    attrs.dilations ?? 1,
    pad,
    attrs.dimRoundingMode,
    depthwise,
    'channelsLast',
  );
  return refuseNegative(info, 'conv2d');
}

/** tfjs gives a window that is larger than the image a result of fewer than no rows. */
export function refuseNegative(info: backend_util.Conv2DInfo, where: string): backend_util.Conv2DInfo {
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth } = info;
  if (outHeight >= 0 && outWidth >= 0) return info;
  throw new Error(
    `Error in ${where}: windows of ${filterHeight} by ${filterWidth} do not fit into ${inHeight} by ${inWidth} pixels`,
  );
}

/** Runs `body` on the channels-last form of tensors that may be channels-first; its result is given back in theirs. */
function channelsLast(
  attrs: ConvAttrs,
  tensors: readonly TensorInfo[],
  body: (...tensors: TensorInfo[]) => TensorInfo,
  imageResult = true,
): TensorInfo {
  if (!isFirst(attrs)) return body(...tensors);
  const moved = tensors.map((tensor) => transposed(tensor, TO_LAST));
  const result = body(...moved);
  for (const { dataId } of moved) backend.disposeData(dataId);
  if (!imageResult) return result;
  const out = transposed(result, TO_FIRST);
  backend.disposeData(result.dataId);
  return out;
}

const allFloat = (...tensors: (TensorInfo | undefined)[]): boolean =>
  tensors.every((tensor) => tensor === undefined || tensor === null || tensor.dtype === 'float32');

// ---- standard convolution -------------------------------------------------------------------------------------------

const forward = op('conv_forward');
const filterGradient = op('conv_filter_gradient');
const inputGradient = op('conv_input_gradient');

/** Activations that tfjs fuses, as the command numbers them. */
const FUSED: Record<string, number> = {
  linear: ACTIVATION.linear,
  relu: ACTIVATION.relu,
  relu6: ACTIVATION.relu6,
  elu: ACTIVATION.elu,
  sigmoid: ACTIVATION.sigmoid,
  leakyrelu: ACTIVATION.leakyrelu,
  prelu: ACTIVATION.prelu,
};

function convolved(
  x: TensorInfo,
  filter: TensorInfo,
  attrs: ConvAttrs,
  epilogue: readonly [bias: number, activation: number, slope: number, slopes: number] = [0, 0, 0, 0],
): TensorInfo {
  const info = convInfo(x.shape, filter.shape, attrs);
  const out = backend.output(info.outShape);
  if (sizeOf(info.outShape) > 0)
    emit(forward, backend.address(x), backend.address(filter), backend.address(out), ...epilogue, ...shapeWords(info));
  return out;
}

const host = {
  conv: hostBody('Conv2D'),
  fused: hostBody('FusedConv2D'),
  filter: hostBody('Conv2DBackpropFilter'),
  input: hostBody('Conv2DBackpropInput'),
  depthwise: hostBody('DepthwiseConv2dNative'),
  fusedDepthwise: hostBody('FusedDepthwiseConv2D'),
  depthwiseFilter: hostBody('DepthwiseConv2dNativeBackpropFilter'),
  depthwiseInput: hostBody('DepthwiseConv2dNativeBackpropInput'),
};

interface ConvInputs {
  x: TensorInfo;
  filter: TensorInfo;
}
interface FusedInputs extends ConvInputs {
  bias?: TensorInfo;
  preluActivationWeights?: TensorInfo;
}

const standard: KernelConfig[] = [
  nativeKernel<ConvInputs, ConvAttrs>('Conv2D', (call) => {
    const { x, filter } = call.inputs;
    if (!allFloat(x, filter)) return host.conv(call);
    return channelsLast(call.attrs, [x], (last) => convolved(last as TensorInfo, filter, call.attrs));
  }),
  nativeKernel<FusedInputs, FusedAttrs>('FusedConv2D', (call) => {
    const { x, filter, bias, preluActivationWeights: slopes } = call.inputs;
    const { activation = 'linear', leakyreluAlpha = 0.2 } = call.attrs;
    const channels = filter.shape[3] as number;
    // one number per channel is what the product's epilogue adds; anything else is a broadcast of its own
    const perChannel = (t: TensorInfo | undefined): boolean =>
      t === undefined || t === null || (sizeOf(t.shape) === channels && (t.shape.at(-1) ?? 1) === channels);
    if (
      !allFloat(x, filter, bias, slopes) ||
      !perChannel(bias) ||
      !perChannel(slopes) ||
      FUSED[activation] === undefined ||
      (activation === 'prelu' && !slopes) ||
      isFirst(call.attrs)
    )
      return host.fused(call);
    return convolved(x, filter, call.attrs, [
      bias ? backend.address(bias) : 0,
      FUSED[activation] as number,
      leakyreluAlpha,
      slopes ? backend.address(slopes) : 0,
    ]);
  }),
  nativeKernel<{ x: TensorInfo; dy: TensorInfo }, ConvAttrs & { filterShape: number[] }>(
    'Conv2DBackpropFilter',
    (call) => {
      const { x, dy } = call.inputs;
      if (!allFloat(x, dy)) return host.filter(call);
      const { filterShape } = call.attrs;
      const gradient = (image: TensorInfo, upstream: TensorInfo): TensorInfo => {
        const info = convInfo(image.shape, filterShape, { ...call.attrs, dilations: 1 });
        const out = backend.output(filterShape);
        const words = shapeWords(info);
        emit(filterGradient, backend.address(image), backend.address(upstream), backend.address(out), ...words);
        return out;
      };
      return channelsLast(call.attrs, [x, dy], (a, b) => gradient(a as TensorInfo, b as TensorInfo), false);
    },
  ),
  nativeKernel<{ dy: TensorInfo; filter: TensorInfo }, ConvAttrs & { inputShape: number[] }>(
    'Conv2DBackpropInput',
    (call) => {
      const { dy, filter } = call.inputs;
      if (!allFloat(dy, filter)) return host.input(call);
      const shape = isFirst(call.attrs) ? permuted(call.attrs.inputShape, TO_LAST) : call.attrs.inputShape;
      // a transposed convolution may ask for an image that the padding rule does not map to dy's size
      const { outHeight, outWidth } = convInfo(shape, filter.shape, { ...call.attrs, dilations: 1 });
      const [height, width] = isFirst(call.attrs) ? dy.shape.slice(2) : dy.shape.slice(1);
      if (height !== outHeight || width !== outWidth) return host.input(call);
      return channelsLast(call.attrs, [dy], (upstream) => {
        const info = convInfo(shape, filter.shape, { ...call.attrs, dilations: 1 });
        const out = backend.output(shape);
        emit(
          inputGradient,
          backend.address(upstream as TensorInfo),
          backend.address(filter),
          backend.address(out),
          ...shapeWords(info),
        );
        return out;
      });
    },
  ),
];

// ---- depthwise convolution ------------------------------------------------------------------------------------------

const depthwiseForward = op('depthwise_forward');
const depthwiseFilter = op('depthwise_filter_gradient');
const depthwiseInput = op('depthwise_input_gradient');
const add = op('binary_add');
const prelu = op('binary_prelu');

function depthwise(x: TensorInfo, filter: TensorInfo, attrs: ConvAttrs): TensorInfo {
  const info = convInfo(x.shape, filter.shape, attrs, true);
  const out = backend.output(info.outShape);
  const words = shapeWords(info);
  emit(depthwiseForward, backend.address(x), backend.address(filter), backend.address(out), ...words);
  return out;
}

const UNARY: Record<string, number> = {
  relu: op('unary_relu'),
  relu6: op('unary_relu6'),
  elu: op('unary_elu'),
  sigmoid: op('unary_sigmoid'),
  leakyrelu: op('unary_leaky_relu'),
};

/** Replaces a result by a function of it. */
function then(value: TensorInfo, f: (value: TensorInfo) => TensorInfo): TensorInfo {
  const next = f(value);
  backend.disposeData(value.dataId);
  return next;
}

const perChannel: KernelConfig[] = [
  nativeKernel<ConvInputs, ConvAttrs>('DepthwiseConv2dNative', (call) => {
    const { x, filter } = call.inputs;
    if (!allFloat(x, filter) || isFirst(call.attrs)) return host.depthwise(call);
    return depthwise(x, filter, call.attrs);
  }),
  nativeKernel<FusedInputs, FusedAttrs>('FusedDepthwiseConv2D', (call) => {
    const { x, filter, bias, preluActivationWeights: slopes } = call.inputs;
    const { activation = 'linear', leakyreluAlpha = 0.2 } = call.attrs;
    if (!allFloat(x, filter, bias, slopes) || FUSED[activation] === undefined || isFirst(call.attrs))
      return host.fusedDepthwise(call);
    let result = depthwise(x, filter, call.attrs);
    if (bias) result = then(result, (y) => applyBinary(add, y, bias));
    if (activation === 'prelu' && slopes) return then(result, (y) => applyBinary(prelu, y, slopes));
    const operation = UNARY[activation];
    if (operation === undefined) return result;
    return then(result, (y) => applyUnary(operation, y, 'float32', leakyreluAlpha));
  }),
  nativeKernel<{ x: TensorInfo; dy: TensorInfo }, ConvAttrs & { filterShape: number[] }>(
    'DepthwiseConv2dNativeBackpropFilter',
    (call) => {
      const { x, dy } = call.inputs;
      if (!allFloat(x, dy) || isFirst(call.attrs)) return host.depthwiseFilter(call);
      const { filterShape } = call.attrs;
      const out = backend.output(filterShape);
      const words = shapeWords(convInfo(x.shape, filterShape, call.attrs, true));
      emit(depthwiseFilter, backend.address(x), backend.address(dy), backend.address(out), ...words);
      return out;
    },
  ),
  nativeKernel<{ dy: TensorInfo; filter: TensorInfo }, ConvAttrs & { inputShape: number[] }>(
    'DepthwiseConv2dNativeBackpropInput',
    (call) => {
      const { dy, filter } = call.inputs;
      if (!allFloat(dy, filter) || isFirst(call.attrs)) return host.depthwiseInput(call);
      const { inputShape } = call.attrs;
      const out = backend.output(inputShape);
      const words = shapeWords(convInfo(inputShape, filter.shape, call.attrs, true));
      emit(depthwiseInput, backend.address(dy), backend.address(filter), backend.address(out), ...words);
      return out;
    },
  ),
];

export const kernels: KernelConfig[] = [...standard, ...perChannel];
