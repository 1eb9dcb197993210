// Conversions and tensors made from numbers (cc/kernels/cast.cc, layout.cc).
import type { DataType, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { hostBody, nativeKernel } from './host.ts';
import { isNumeric, sizeOf } from './shapes.ts';
import { applyUnary } from './unary.ts';

const conversions: Record<string, number> = {
  'float32 int32': op('cast_float_int'),
  'float32 bool': op('cast_float_bool'),
  'int32 float32': op('cast_int_float'),
  'int32 bool': op('cast_int_bool'),
  'bool float32': op('cast_bool_float'),
  'bool int32': op('cast_bool_int'),
};

/** A tensor with its numbers as another type; the same storage when it has that type already. */
export function castTo(x: TensorInfo, dtype: DataType): TensorInfo {
  if (x.dtype === dtype) return backend.alias(x, x.shape);
  return applyUnary(conversions[`${x.dtype} ${dtype}`] as number, x, dtype);
}

const fillOperation = op('fill');

/** A new tensor of one value. */
export function filled(shape: number[], value: number, dtype: DataType = 'float32'): TensorInfo {
  const out = backend.output(shape, dtype);
  const stored = dtype === 'bool' ? Number(value !== 0) : dtype === 'int32' ? value | 0 : value;
  const float = dtype === 'float32' ? 1 : 0;
  emit(fillOperation, backend.address(out), sizeOf(shape), dtype === 'bool' ? 1 : 4, stored, float);
  return out;
}

const sequences: Record<string, number> = { float32: op('sequence_float'), int32: op('sequence_int') };

function sequence(length: number, start: number, step: number, dtype: 'float32' | 'int32'): TensorInfo {
  const out = backend.output([length], dtype);
  emit(sequences[dtype] as number, backend.address(out), length, start, step);
  return out;
}

const hostCast = hostBody('Cast');
const hostFill = hostBody('Fill');
const hostRange = hostBody('Range');

function like(kernelName: string, value: number): KernelConfig {
  const host = hostBody(kernelName);
  return nativeKernel<{ x: TensorInfo }>(kernelName, (call) => {
    const { x } = call.inputs;
    return isNumeric(x) ? filled(x.shape, value, x.dtype) : host(call);
  });
}

export const kernels: KernelConfig[] = [
  nativeKernel<{ x: TensorInfo }, { dtype: DataType }>('Cast', (call) => {
    const { x } = call.inputs;
    const { dtype } = call.attrs;
    if (x.dtype === dtype) return backend.alias(x, x.shape);
    const conversion = conversions[`${x.dtype} ${dtype}`];
    return conversion === undefined ? hostCast(call) : applyUnary(conversion, x, dtype);
  }),
  nativeKernel<object, { shape: number[]; value: number | string; dtype?: DataType }>('Fill', (call) => {
    const { shape, value } = call.attrs;
    const dtype = call.attrs.dtype ?? util.inferDtype(value);
    if (typeof value === 'string' || dtype === 'string' || dtype === 'complex64') return hostFill(call);
    return filled(shape, Number(value), dtype);
  }),
  like('ZerosLike', 0),
  like('OnesLike', 1),
  nativeKernel<object, { start: number; stop: number; step: number; dtype: DataType }>('Range', (call) => {
    const { start, stop, dtype } = call.attrs;
    // tfjs counts down by itself when the step was left at 1
    const step = stop < start && call.attrs.step === 1 ? -1 : call.attrs.step;
    if (dtype !== 'float32' && (dtype !== 'int32' || !Number.isInteger(start) || !Number.isInteger(step)))
      return hostRange(call);
    const empty = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
    return sequence(empty ? 0 : Math.abs(Math.ceil((stop - start) / step)), start, step, dtype);
  }),
  nativeKernel<object, { start: number; stop: number; num: number }>('LinSpace', ({ attrs: { start, stop, num } }) =>
    sequence(num, start, num > 1 ? (stop - start) / (num - 1) : 0, 'float32'),
  ),
];
