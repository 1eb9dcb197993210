// The gated MLP with the slope of its gate computed in the forward pass. In training it returns act(zg) and u ⊙ act′(zg) in
// place of zg and u, so that of the backward pass three operations stay: dh = dy Wdᵀ, dh ⊙ (u ⊙ act′), dh ⊙ act.
import { add, matMul, mul, reshape, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { needsInput } from '../../../ops/activations.ts';
import { type GatedAttributes, gatedMlpOp, gatedMlpGrad as gradKernel } from '../../../ops/gated-mlp.ts';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import { rows } from '../../../ops/internal/mlp-layerwise.ts';
import type { TensorFlowBackend } from '../tensorflow-backend.ts';
import { activatedWithSlope } from './slopes.ts';

type Body<A> = (inputs: Inputs, attributes: A) => Tensor[];

export function gatedMlp(backend: TensorFlowBackend): Body<GatedAttributes & { training: boolean }> {
  const activated = activatedWithSlope(backend);
  return (inputs, a) => {
    if (!a.training || !needsInput(a.activation)) return gatedMlpOp.kernel.compose(inputs, a);
    const { x, gate, up, down, residual } = inputs as { [name: string]: Tensor2D } & { residual?: Tensor };
    const { outIn } = a;
    const x2 = rows(x as Tensor, (gate as Tensor).shape[outIn ? 1 : 0] as number);
    const u = matMul(x2, up as Tensor2D, false, outIn);
    const [g, slope] = activated(matMul(x2, gate as Tensor2D, false, outIn), a.activation);
    const h = mul(g, u);
    const out = matMul(h as Tensor2D, down as Tensor2D, false, outIn);
    const y = reshape(out, [...(x as Tensor).shape.slice(0, -1), out.shape[1] as number]);
    return [residual === undefined ? y : add(y, residual), mul(u, slope), g, h];
  };
}

/** `zg` and `u` are u ⊙ act′(zg) and act(zg) here, where the slope needs zg. */
export const gatedMlpGrad: Body<GatedAttributes> = (inputs, a) => {
  if (!needsInput(a.activation)) return gradKernel.compose(inputs, a);
  const { dy, down, zg: slope, u: g } = inputs as { dy: Tensor; down: Tensor2D; zg: Tensor; u: Tensor };
  const dh = matMul(rows(dy, down.shape[a.outIn ? 0 : 1]), down, false, !a.outIn);
  return [mul(dh, slope), mul(dh, g)];
};
