// A layer's product and bias as one _FusedMatMul; an activation's slope beside it, not again in the backward pass.
import { add, matMul, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import { composeMlp, type MlpAttributes, type Product } from '../../../ops/internal/mlp-op.ts';
import type { Attribute, Binding, Metadata, TensorFlowBackend } from '../tensorflow-backend.ts';
import { activatedWithSlope } from './slopes.ts';

/** What it keeps of hidden layers with GELU or SiLU is act′(z), not z. */
export function mlp(
  backend: TensorFlowBackend,
): (inputs: Inputs, a: MlpAttributes & { training: boolean }) => Tensor[] {
  const { binding } = backend;
  const { runOp } = binding;
  const fused = [false, true].map((outIn) => attributes(binding, outIn));
  const multiply: Product = (x, weight, bias, outIn) => {
    if (bias === undefined) return matMul(x as Tensor2D, weight, false, outIn);
    // tfjs-node's own binding has no lists of strings among its attributes
    if (runOp === undefined || x.size === 0 || weight.size === 0)
      return add(matMul(x as Tensor2D, weight, false, outIn), bias);
    const ids = backend.getInputTensorIds([x, weight, bias]);
    const [result] = runOp('_FusedMatMul', fused[outIn ? 1 : 0] as Attribute[], ids, 1);
    return backend.createOutputTensor(result as Metadata);
  };
  const activated = activatedWithSlope(backend);
  return (inputs, a) => composeMlp(inputs, a, { multiply, activated });
}

const attributes = (b: Binding, outIn: boolean): Attribute[] => [
  { name: 'T', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT },
  { name: 'transpose_a', type: b.TF_ATTR_BOOL, value: false },
  { name: 'transpose_b', type: b.TF_ATTR_BOOL, value: outIn },
  { name: 'num_args', type: b.TF_ATTR_INT, value: 1 },
  { name: 'fused_ops', type: b.TF_ATTR_STRING, value: ['BiasAdd'] },
];
