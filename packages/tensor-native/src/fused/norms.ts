// Layer and RMS normalisation (cc/kernels/fused_norm.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';

const LAYER_NORM = op('layer_norm');
const LAYER_NORM_GRAD = op('layer_norm_grad');
const RMS_NORM = op('rms_norm');
const RMS_NORM_GRAD = op('rms_norm_grad');

type Named<K extends string> = { [name in K]: TensorInfo };

const rowsOf = (x: TensorInfo, n: number): number => (n === 0 ? 0 : sizeOf(x.shape) / n);

const layerNorm = nativeKernel<Named<'x' | 'scale' | 'offset'>, { epsilon: number; training: boolean }>(
  'LayerNorm',
  ({ inputs: { x, scale, offset }, attrs }) => {
    const n = scale.shape[0] as number;
    const rows = rowsOf(x, n);
    const y = backend.output(x.shape);
    // per row: mean, reciprocal standard deviation
    const stats = attrs.training ? [backend.output([rows]), backend.output([rows])] : [];
    const [mu = 0, r = 0] = stats.map((t) => backend.address(t));
    emit(
      LAYER_NORM,
      backend.address(x),
      backend.address(scale),
      backend.address(offset),
      backend.address(y),
      mu,
      r,
      rows,
      n,
      attrs.epsilon,
    );
    return [y, ...stats];
  },
);

const layerNormGrad = nativeKernel<Named<'dy' | 'x' | 'scale' | 'mu' | 'r'>, object>(
  'LayerNormGrad',
  ({ inputs: { dy, x, scale, mu, r } }) => {
    const n = scale.shape[0] as number;
    const out = [backend.output(x.shape), backend.output([n]), backend.output([n])] as const;
    emit(
      LAYER_NORM_GRAD,
      backend.address(dy),
      backend.address(x),
      backend.address(scale),
      backend.address(mu),
      backend.address(r),
      backend.address(out[0]),
      backend.address(out[1]),
      backend.address(out[2]),
      rowsOf(x, n),
      n,
    );
    return [...out];
  },
);

const rmsNorm = nativeKernel<Named<'x' | 'scale'>, { epsilon: number; unitOffset: boolean; training: boolean }>(
  'RmsNorm',
  ({ inputs: { x, scale }, attrs }) => {
    const n = scale.shape[0] as number;
    const rows = rowsOf(x, n);
    const y = backend.output(x.shape);
    const stats = attrs.training ? [backend.output([rows])] : [];
    emit(
      RMS_NORM,
      backend.address(x),
      backend.address(scale),
      backend.address(y),
      stats[0] === undefined ? 0 : backend.address(stats[0]),
      rows,
      n,
      attrs.epsilon,
      attrs.unitOffset ? 1 : 0,
    );
    return [y, ...stats];
  },
);

const rmsNormGrad = nativeKernel<Named<'dy' | 'x' | 'scale' | 'r'>, { unitOffset: boolean }>(
  'RmsNormGrad',
  ({ inputs: { dy, x, scale, r }, attrs }) => {
    const n = scale.shape[0] as number;
    const out = [backend.output(x.shape), backend.output([n])] as const;
    emit(
      RMS_NORM_GRAD,
      backend.address(dy),
      backend.address(x),
      backend.address(scale),
      backend.address(r),
      backend.address(out[0]),
      backend.address(out[1]),
      rowsOf(x, n),
      n,
      attrs.unitOffset ? 1 : 0,
    );
    return [...out];
  },
);

export const kernels: readonly KernelConfig[] = [layerNorm, layerNormGrad, rmsNorm, rmsNormGrad];
