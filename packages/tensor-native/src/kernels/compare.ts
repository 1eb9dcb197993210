// Comparisons, logic and selection (cc/kernels/compare.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { applyBinary } from './binary.ts';
import { hostBody, nativeKernel } from './host.ts';
import { bytesOf, isNumeric, sizeOf } from './shapes.ts';

interface Inputs {
  a: TensorInfo;
  b: TensorInfo;
}

function compare(kernelName: string, name: string): KernelConfig {
  const operations = {
    float32: op(`compare_${name}_float`),
    int32: op(`compare_${name}_int`),
    bool: op(`compare_${name}_bool`),
  };
  const host = hostBody(kernelName);
  return nativeKernel<Inputs>(kernelName, (call) => {
    const { a, b } = call.inputs;
    if (a.dtype === b.dtype && isNumeric(a))
      return applyBinary(operations[a.dtype as keyof typeof operations], a, b, 'bool');
    return host(call);
  });
}

function logical(kernelName: string, name: string): KernelConfig {
  const operation = op(`logical_${name}`);
  const host = hostBody(kernelName);
  return nativeKernel<Inputs>(kernelName, (call) => {
    const { a, b } = call.inputs;
    if (a.dtype === 'bool' && b.dtype === 'bool') return applyBinary(operation, a, b);
    return host(call);
  });
}

const select = op('select');
const hostSelect = hostBody('Select');

export const kernels: KernelConfig[] = [
  compare('Equal', 'equal'),
  compare('NotEqual', 'not_equal'),
  compare('Greater', 'greater'),
  compare('GreaterEqual', 'greater_equal'),
  compare('Less', 'less'),
  compare('LessEqual', 'less_equal'),
  logical('LogicalAnd', 'and'),
  logical('LogicalOr', 'or'),
  // whole rows where the condition has fewer dimensions
  nativeKernel<{ condition: TensorInfo; t: TensorInfo; e: TensorInfo }>('Select', (call) => {
    const { condition, t, e } = call.inputs;
    if (t.dtype !== e.dtype || !isNumeric(t) || condition.dtype !== 'bool') return hostSelect(call);
    const out = backend.output(t.shape, t.dtype);
    const rows = sizeOf(condition.shape);
    if (rows === 0) return out;
    emit(
      select,
      backend.address(condition),
      backend.address(t),
      backend.address(e),
      backend.address(out),
      rows,
      sizeOf(t.shape) / rows,
      bytesOf(t),
    );
    return out;
  }),
];
