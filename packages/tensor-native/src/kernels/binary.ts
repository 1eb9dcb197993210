// Element-wise arithmetic of two tensors, with broadcasting (cc/kernels/binary.cc).
import type { DataType, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { hostBody, nativeKernel } from './host.ts';
import { broadcastShape, padShape, sameShape, sizeOf } from './shapes.ts';

interface Inputs {
  a: TensorInfo;
  b: TensorInfo;
}

/** Runs a broadcasting operation: `[a, b, out, rank, out dims…, a dims…, b dims…]`. */
export function applyBinary(operation: number, a: TensorInfo, b: TensorInfo, dtype: DataType = a.dtype): TensorInfo {
  const { shape: as } = a;
  const { shape: bs } = b;
  // equal shapes, and one operand of one element, are one row
  if (sameShape(as, bs)) {
    const out = backend.output(as, dtype);
    const n = sizeOf(as);
    emit(operation, backend.address(a), backend.address(b), backend.address(out), 1, n, n, n);
    return out;
  }
  const an = sizeOf(as);
  const bn = sizeOf(bs);
  if (bn === 1 && bs.length <= as.length) {
    const out = backend.output(as, dtype);
    emit(operation, backend.address(a), backend.address(b), backend.address(out), 1, an, an, 1);
    return out;
  }
  if (an === 1 && as.length <= bs.length) {
    const out = backend.output(bs, dtype);
    emit(operation, backend.address(a), backend.address(b), backend.address(out), 1, bn, 1, bn);
    return out;
  }
  const shape = broadcastShape(as, bs);
  const rank = shape.length;
  const out = backend.output(shape, dtype);
  emit(
    operation,
    backend.address(a),
    backend.address(b),
    backend.address(out),
    rank,
    ...shape,
    ...padShape(as, rank),
    ...padShape(bs, rank),
  );
  return out;
}

/** Both types native, unless `int` is false. Mixed and other types run on the host. */
function binary(kernelName: string, name: string, o: { int: boolean; dtype?: DataType } = { int: true }): KernelConfig {
  const float = op(`binary_${name}`);
  const int = o.int ? op(`binary_${name}_int`) : -1;
  const host = hostBody(kernelName);
  return nativeKernel<Inputs>(kernelName, (call) => {
    const { a, b } = call.inputs;
    if (a.dtype === b.dtype) {
      if (a.dtype === 'float32') return applyBinary(float, a, b, o.dtype);
      if (a.dtype === 'int32' && int >= 0) return applyBinary(int, a, b);
    }
    return host(call);
  });
}

const add = op('binary_add');
const addInt = op('binary_add_int');
const prelu = op('binary_prelu');
const eluGrad = op('binary_elu_grad');
const hostAddN = hostBody('AddN');
const hostPrelu = hostBody('Prelu');
const hostEluGrad = hostBody('EluGrad');

export const kernels: KernelConfig[] = [
  binary('Add', 'add'),
  binary('Sub', 'sub'),
  binary('Multiply', 'mul'),
  binary('RealDiv', 'div'),
  binary('FloorDiv', 'floor_div', { int: true, dtype: 'int32' }),
  binary('Maximum', 'maximum'),
  binary('Minimum', 'minimum'),
  binary('Mod', 'mod'),
  binary('Pow', 'pow'),
  binary('SquaredDifference', 'squared_difference'),
  binary('Atan2', 'atan2', { int: false }),
  nativeKernel<{ x: TensorInfo; alpha: TensorInfo }>('Prelu', (call) => {
    const { x, alpha } = call.inputs;
    if (x.dtype === 'float32' && alpha.dtype === 'float32') return applyBinary(prelu, x, alpha);
    return hostPrelu(call);
  }),
  nativeKernel<{ dy: TensorInfo; y: TensorInfo }>('EluGrad', (call) => {
    const { dy, y } = call.inputs;
    if (dy.dtype === 'float32' && y.dtype === 'float32') return applyBinary(eluGrad, dy, y);
    return hostEluGrad(call);
  }),
  // the sum of a list of tensors of one shape
  nativeKernel<TensorInfo[]>('AddN', (call) => {
    const tensors = call.inputs;
    const [first, ...others] = tensors as [TensorInfo, ...TensorInfo[]];
    const { dtype } = first;
    if ((dtype !== 'float32' && dtype !== 'int32') || others.some((t) => t.dtype !== dtype)) return hostAddN(call);
    let total: TensorInfo | undefined;
    for (const next of others) {
      const sum: TensorInfo = applyBinary(dtype === 'float32' ? add : addInt, total ?? first, next);
      if (total) backend.disposeData(total.dataId);
      total = sum;
    }
    return total ?? backend.alias(first, first.shape);
  }),
];
