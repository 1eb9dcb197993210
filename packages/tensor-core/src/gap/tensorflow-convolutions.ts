// Convolutions on TensorFlow: padding by numbers, channels first, and those without elements.
import { type KernelFunc, type NamedAttrMap, pad as padTensor, slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';
import { onCpu } from './on-cpu.ts';

type Call = Parameters<KernelFunc>[0];

const flat = [
  'Conv2D',
  'FusedConv2D',
  'Conv2DBackpropInput',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNative',
  'FusedDepthwiseConv2D',
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
] as const;
const solid = ['Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2'] as const;

export function repairConvolutions(backendName: string): void {
  for (const name of [...flat, ...solid]) {
    overrideKernel(backendName, name, (stock) => {
      const onHost = onCpu(name);
      const isDepthwise = name.includes('Depthwise');
      const refused = (params: Call): boolean => isEmpty(params) || (isDepthwise && hasUnequalStrides(params));
      return (params) => (refused(params) ? onHost(params) : stock(params));
    });
  }
  for (const name of flat) overrideKernel(backendName, name, withPadding(name));
}

/** Which TensorFlow's own depthwise kernels refuse; oneDNN's take some of them, on some processors. */
function hasUnequalStrides({ attrs }: Call): boolean {
  const { strides } = attrs as unknown as ConvolutionAttributes;
  return typeof strides !== 'number' && strides[0] !== strides[1];
}

/** TensorFlow gives a result without elements the shape of its input, and leaves what is in it then unwritten. */
function isEmpty({ inputs, attrs }: Call): boolean {
  const { x, dy, filter } = inputs as { x?: Tensor; dy?: Tensor; filter?: Tensor };
  if ([x, dy, filter].some((t) => t?.size === 0)) return true;
  if (x === undefined || filter === undefined) return false;
  const { pad, strides, dilations } = attrs as unknown as ConvolutionAttributes;
  if (pad !== 'valid') return false;
  // a window larger than the image has no place in it; one that is larger by more than a stride TensorFlow refuses
  const at = (given: number | readonly number[] | null | undefined, axis: number): number =>
    (typeof given === 'number' ? given : given?.[axis]) ?? 1;
  return x.shape.slice(1, -1).some((extent, axis) => {
    const window = at(dilations, axis) * ((filter.shape[axis] ?? 1) - 1) + 1;
    return window > extent && window <= extent + at(strides, axis);
  });
}

/** Padding by numbers: the image gets it first, then the convolution is one without. Channels first run on the host. */
function withPadding(name: (typeof flat)[number]): (stock: KernelFunc) => KernelFunc {
  const onHost = onCpu(name);
  return (stock) => (params) => {
    const { pad, dataFormat, dimRoundingMode, inputShape, strides, filterShape } =
      params.attrs as unknown as ConvolutionAttributes;
    // tfjs-node gives TensorFlow the strides of the other layout
    if ((dataFormat ?? 'NHWC') !== 'NHWC') return onHost(params);
    if (pad === 'same' || pad === 'valid') return stock(params);
    // where padding is one number, tfjs takes the filter's height and the vertical stride for both axes
    const [height, width] = filterShape ?? (params.inputs.filter as Tensor).shape;
    const square = height === width && (typeof strides === 'number' || strides[0] === strides[1]);
    if (pad === 0 && square) return stock(params);
    const rounded = dimRoundingMode != null && dimRoundingMode !== 'floor';
    if (rounded || (typeof pad === 'number' && !square)) return onHost(params);
    const [top, side] = (
      Array.isArray(pad)
        ? [pad[1], pad[2]]
        : [
            [pad, pad],
            [pad, pad],
          ]
    ) as [number, number][];
    const edges = [[0, 0], top, side, [0, 0]] as [number, number][];
    return tidy(() => {
      const inputs = { ...params.inputs };
      if ('x' in inputs) inputs.x = padTensor(inputs.x as Tensor, edges);
      const attrs: NamedAttrMap = { ...params.attrs, pad: 'valid' };
      if (!name.endsWith('Input')) return stock({ ...params, inputs, attrs }) as Tensor;
      attrs.inputShape = inputShape.map((extent, i) => extent + (edges[i]?.[0] ?? 0) + (edges[i]?.[1] ?? 0));
      const padded = stock({ ...params, inputs, attrs }) as Tensor;
      return slice(
        padded,
        edges.map(([before]) => before),
        inputShape,
      );
    });
  };
}

interface ConvolutionAttributes {
  pad: 'same' | 'valid' | number | [number, number][];
  dataFormat?: string;
  dimRoundingMode?: string;
  inputShape: number[];
  strides: number | number[];
  dilations?: number | number[] | null;
  filterShape?: number[];
}
