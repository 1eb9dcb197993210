// A layer's product and bias as one _FusedMatMul.
import { add, matMul, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import { composeMlp, type MlpAttributes, type Product } from '../../../ops/internal/mlp-op.ts';
import type { Attribute, Binding, TensorFlowBackend } from '../tensorflow-backend.ts';

export function mlp(
  backend: TensorFlowBackend,
): (inputs: Inputs, a: MlpAttributes & { training: boolean }) => Tensor[] {
  const fused = [false, true].map((outIn) => attributes(backend.binding, outIn));
  const multiply: Product = (x, weight, bias, outIn) => {
    if (bias === undefined) return matMul(x as Tensor2D, weight, false, outIn);
    if (x.size === 0 || weight.size === 0) return add(matMul(x as Tensor2D, weight, false, outIn), bias);
    const ids = backend.getInputTensorIds([x, weight, bias]);
    const [result] = backend.binding.runOp?.('_FusedMatMul', fused[outIn ? 1 : 0] as Attribute[], ids, 1) ?? [];
    return backend.createOutputTensor(result as NonNullable<typeof result>);
  };
  return (inputs, a) => composeMlp(inputs, a, multiply);
}

const attributes = (b: Binding, outIn: boolean): Attribute[] => [
  { name: 'T', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT },
  { name: 'transpose_a', type: b.TF_ATTR_BOOL, value: false },
  { name: 'transpose_b', type: b.TF_ATTR_BOOL, value: outIn },
  { name: 'num_args', type: b.TF_ATTR_INT, value: 1 },
  { name: 'fused_ops', type: b.TF_ATTR_STRING, value: ['BiasAdd'] },
];
