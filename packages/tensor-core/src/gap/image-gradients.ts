// Gradients of pooling and padding that tfjs gets wrong.
import {
  add,
  backend_util,
  getGradient,
  mul,
  type NamedAttrMap,
  pad as padTensor,
  registerGradient,
  reverse,
  slice,
  type Tensor,
  tensor,
} from '@tensorflow/tfjs-core';

export function registerImageGradients(): void {
  for (const kernelName of ['AvgPool', 'AvgPool3D']) {
    const stock = getGradient(kernelName);
    registerGradient({
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const [x] = saved as [Tensor];
        return stock.gradFunc(mul(dy as Tensor, poolShares(x.shape, attrs)), saved, attrs);
      },
    });
  }
  registerGradient({ kernelName: 'MirrorPad', inputsToSave: ['x'], gradFunc: mirrorPadGradient });
}

/**
 * An average at a padded edge is over fewer elements than the filter has; tfjs's backward kernels divide by the filter's
 * size everywhere. The ratio, [1, (depth,) height, width, 1].
 */
export function poolShares(shape: number[], attrs: NamedAttrMap): Tensor {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as {
    filterSize: [number, number];
    strides: [number, number];
    pad: 'valid' | 'same' | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  const inputs = shape.slice(1, -1);
  const windows: { counts: number[]; size: number }[] = [];
  if (inputs.length === 2) {
    const i = backend_util.computePool2DInfo(shape as never, filterSize, strides, 1, pad, dimRoundingMode);
    const { padInfo: p } = i;
    windows.push({
      counts: windowSizes(inputs[0], i.outHeight, i.strideHeight, i.filterHeight, p.top),
      size: i.filterHeight,
    });
    windows.push({
      counts: windowSizes(inputs[1], i.outWidth, i.strideWidth, i.filterWidth, p.left),
      size: i.filterWidth,
    });
  } else {
    const i = backend_util.computePool3DInfo(
      shape as never,
      filterSize as never,
      strides as never,
      1,
      pad,
      dimRoundingMode,
    );
    const { padInfo: p } = i;
    windows.push({
      counts: windowSizes(inputs[0], i.outDepth, i.strideDepth, i.filterDepth, p.front),
      size: i.filterDepth,
    });
    windows.push({
      counts: windowSizes(inputs[1], i.outHeight, i.strideHeight, i.filterHeight, p.top),
      size: i.filterHeight,
    });
    windows.push({
      counts: windowSizes(inputs[2], i.outWidth, i.strideWidth, i.filterWidth, p.left),
      size: i.filterWidth,
    });
  }
  let shares = [1];
  for (const { counts, size } of windows) shares = shares.flatMap((s) => counts.map((n) => (s * size) / n));
  return tensor(shares, [1, ...windows.map((w) => w.counts.length), 1]);
}

/** How many real elements each window along one axis covers. */
function windowSizes(n = 1, out: number, stride: number, filter: number, before: number): number[] {
  return Array.from({ length: out }, (_, i) => {
    const start = i * stride - before;
    return Math.max(1, Math.min(n, start + filter) - Math.max(0, start));
  });
}

/** Every element collects the gradients of its reflections; tfjs drops those in the padding. */
function mirrorPadGradient(dy: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap): { x: () => Tensor } {
  const [x] = saved as [Tensor];
  const { paddings, mode } = attrs as unknown as { paddings: [number, number][]; mode: 'reflect' | 'symmetric' };
  const skipped = mode === 'reflect' ? 1 : 0; // the edge itself is not repeated
  return {
    x: () =>
      paddings.reduce((gradient, [before, after], axis) => {
        const n = x.shape[axis] ?? 0;
        const part = (start: number, length: number): Tensor => {
          const begin = gradient.shape.map((_, i) => (i === axis ? start : 0));
          const size = gradient.shape.map((d, i) => (i === axis ? length : d));
          return slice(gradient, begin, size);
        };
        const at = (values: Tensor, start: number): Tensor => {
          const length = values.shape[axis] ?? 0;
          const zeros = values.shape.map((_, i): [number, number] =>
            i === axis ? [start, n - start - length] : [0, 0],
          );
          return padTensor(values, zeros);
        };
        let sum = part(before, n);
        if (before > 0) sum = add(sum, at(reverse(part(0, before), axis), skipped));
        if (after > 0) sum = add(sum, at(reverse(part(before + n, after), axis), n - skipped - after));
        return sum;
      }, dy as Tensor),
  };
}
