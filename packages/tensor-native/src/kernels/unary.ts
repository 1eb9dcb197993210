// Element-wise functions of one tensor (cc/kernels/unary.cc).
import type { DataType, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { hostBody, nativeKernel } from './host.ts';
import { sizeOf } from './shapes.ts';

interface Inputs {
  x: TensorInfo;
}

/** Runs a unary operation on a whole tensor. */
export function applyUnary(
  operation: number,
  x: TensorInfo,
  dtype: DataType = x.dtype,
  ...parameters: number[]
): TensorInfo {
  const out = backend.output(x.shape, dtype);
  emit(operation, backend.address(x), backend.address(out), sizeOf(x.shape), ...parameters);
  return out;
}

/** A float32 function; `int` also names an int32 one. Other types run on the host. */
function unary(kernelName: string, name: string, o: { int?: boolean; dtype?: DataType } = {}): KernelConfig {
  const float = op(`unary_${name}`);
  const int = o.int ? op(`unary_${name}_int`) : -1;
  const host = hostBody(kernelName);
  return nativeKernel<Inputs>(kernelName, (call) => {
    const { x } = call.inputs;
    if (x.dtype === 'float32') {
      const out = backend.output(x.shape, o.dtype);
      emit(float, backend.address(x), backend.address(out), sizeOf(x.shape));
      return out;
    }
    if (int >= 0 && x.dtype === 'int32') return applyUnary(int, x);
    return host(call);
  });
}

/** A float32 function with parameters taken from the attributes. */
function unaryWith<A>(kernelName: string, name: string, parameters: (attrs: A) => number[]): KernelConfig {
  const float = op(`unary_${name}`);
  const host = hostBody(kernelName);
  return nativeKernel<Inputs, A>(kernelName, (call) => {
    const { x } = call.inputs;
    if (x.dtype === 'float32') return applyUnary(float, x, 'float32', ...parameters(call.attrs));
    return host(call);
  });
}

const clipFloat = op('unary_clip');
const clipInt = op('unary_clip_int');
const hostClip = hostBody('ClipByValue');
const logicalNot = op('unary_logical_not');
const hostNot = hostBody('LogicalNot');

export const kernels: KernelConfig[] = [
  unary('Abs', 'abs', { int: true }),
  unary('Acos', 'acos'),
  unary('Acosh', 'acosh'),
  unary('Asin', 'asin'),
  unary('Asinh', 'asinh'),
  unary('Atan', 'atan'),
  unary('Atanh', 'atanh'),
  unary('Ceil', 'ceil'),
  unary('Cos', 'cos'),
  unary('Cosh', 'cosh'),
  unary('Elu', 'elu'),
  unary('Erf', 'erf'),
  unary('Exp', 'exp'),
  unary('Expm1', 'expm1'),
  unary('Floor', 'floor'),
  unary('IsFinite', 'is_finite', { dtype: 'bool' }),
  unary('IsInf', 'is_inf', { dtype: 'bool' }),
  unary('IsNan', 'is_nan', { dtype: 'bool' }),
  unary('Log', 'log'),
  unary('Log1p', 'log1p'),
  unary('Neg', 'neg', { int: true }),
  unary('Reciprocal', 'reciprocal'),
  unary('Relu', 'relu', { int: true }),
  unary('Relu6', 'relu6'),
  unary('Round', 'round'),
  unary('Rsqrt', 'rsqrt'),
  unary('Selu', 'selu'),
  unary('Sigmoid', 'sigmoid'),
  unary('Sign', 'sign', { int: true }),
  unary('Sin', 'sin'),
  unary('Sinh', 'sinh'),
  unary('Softplus', 'softplus'),
  unary('Sqrt', 'sqrt'),
  unary('Square', 'square', { int: true }),
  unary('Tan', 'tan'),
  unary('Tanh', 'tanh'),
  unaryWith<{ alpha: number }>('LeakyRelu', 'leaky_relu', ({ alpha }) => [alpha]),
  unaryWith<{ alpha: number }>('Step', 'step', ({ alpha }) => [alpha]),
  nativeKernel<Inputs, { clipValueMin: number; clipValueMax: number }>('ClipByValue', (call) => {
    const { x } = call.inputs;
    const { clipValueMin: low, clipValueMax: high } = call.attrs;
    if (x.dtype === 'float32') return applyUnary(clipFloat, x, 'float32', low, high);
    if (x.dtype === 'int32' && Number.isInteger(low) && Number.isInteger(high))
      return applyUnary(clipInt, x, 'int32', Math.max(low, -(2 ** 31)), Math.min(high, 2 ** 31 - 1));
    return hostClip(call);
  }),
  nativeKernel<Inputs>('LogicalNot', (call) =>
    call.inputs.x.dtype === 'bool' ? applyUnary(logicalNot, call.inputs.x) : hostNot(call),
  ),
];
