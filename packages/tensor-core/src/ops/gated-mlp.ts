// The gated MLP of Llama and Gemma (Shazeer 2020): y = (act(x Wg) ⊙ (x Wu)) Wd (+ residual), as one op.
//
//   dh = dy Wdᵀ;  dzg = dh ⊙ u ⊙ act′(zg);  du = dh ⊙ act(zg);  dx = dzg Wgᵀ + du Wuᵀ

import { add, clone, matMul, mul, reshape, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { type Activation, activations, composeActivation, composeActivationGrad, needsInput } from './activations.ts';
import { checkDtype, checkName, checkRank, checkShape, sizeOf } from './internal/check.ts';
import { type Backward, defineFusedOp, type Gradients, runFused1 } from './internal/fused-op.ts';
import { defineKernel, present, runKernel, runKernel1 } from './internal/kernel.ts';
import { linearGradWeight } from './internal/mlp-layerwise.ts';
import type { WeightLayout } from './mlp.ts';

/** What the kernels are told. */
export type GatedAttributes = { activation: Activation; outIn: boolean };

const rows = (x: Tensor, width: number): Tensor2D => reshape(x, [width === 0 ? 0 : sizeOf(x.shape) / width, width]);

/** [dzg, du] [N,F] from dy, by one product with an epilogue. */
export const gatedMlpGrad = defineKernel('GatedMlpGrad', (inputs, { activation, outIn }: GatedAttributes) => {
  const { dy, down, zg, u } = inputs as { dy: Tensor; down: Tensor2D; zg: Tensor; u: Tensor };
  const width = down.shape[outIn ? 0 : 1];
  const dh = matMul(rows(dy, width), down, false, !outIn);
  const g = composeActivation(zg, activation);
  return [composeActivationGrad(mul(dh, u), needsInput(activation) ? zg : g, activation), mul(dh, g)];
});

/** dx = dzg Wgᵀ + du Wuᵀ in attributes.shape. */
const gatedMlpGradInput = defineKernel(
  'GatedMlpGradInput',
  (inputs, { outIn, shape }: { outIn: boolean; shape: readonly number[] }) => {
    const { dzg, du, gate, up } = inputs as { dzg: Tensor2D; du: Tensor2D; gate: Tensor2D; up: Tensor2D };
    return [reshape(add(matMul(dzg, gate, false, !outIn), matMul(du, up, false, !outIn)), [...shape])];
  },
);

/** Behind y it returns x Wg, x Wu and their gated product, or what its own body of `GatedMlpGrad` wants in place of the first two. */
export const gatedMlpOp = defineFusedOp<GatedAttributes>({
  name: 'GatedMlp',
  compose: (inputs, { activation, outIn, training }) => {
    const { x, gate, up, down, residual } = inputs as { [name: string]: Tensor } & { residual?: Tensor };
    const x2 = rows(x as Tensor, (gate as Tensor).shape[outIn ? 1 : 0] as number);
    const zg = matMul(x2, gate as Tensor2D, false, outIn);
    const u = matMul(x2, up as Tensor2D, false, outIn);
    const h = mul(composeActivation(zg, activation), u);
    const out = matMul(h as Tensor2D, down as Tensor2D, false, outIn);
    const y = reshape(out, [...(x as Tensor).shape.slice(0, -1), out.shape[1] as number]);
    return [residual === undefined ? y : add(y, residual), ...(training ? [zg, u, h] : [])];
  },
  saveInputs: ['x', 'gate', 'up', 'down'],
  gradient: gatedMlpGradient,
});

function gatedMlpGradient(backward: Backward<GatedAttributes>): Gradients {
  const { inputs, extras, attributes } = backward;
  const { x, gate, up, down } = inputs as { x: Tensor; gate: Tensor; up: Tensor; down: Tensor };
  const [zg, u, h] = extras as [Tensor, Tensor, Tensor];
  const dy = backward.dys[0] as Tensor;
  const { outIn } = attributes;
  let inner: Tensor[] | undefined;
  const dz = (): [Tensor, Tensor] => {
    inner ??= runKernel(gatedMlpGrad, { dy, down, zg, u }, attributes).map((t) => backward.hold(t));
    return inner as [Tensor, Tensor];
  };
  return {
    residual: () => clone(dy),
    down: () => runKernel1(linearGradWeight, { x: h, dz: dy }, { outIn, shape: down.shape }),
    gate: () => runKernel1(linearGradWeight, { x, dz: dz()[0] }, { outIn, shape: gate.shape }),
    up: () => runKernel1(linearGradWeight, { x, dz: dz()[1] }, { outIn, shape: up.shape }),
    x: () => {
      const [dzg, du] = dz();
      const dx = runKernel1(gatedMlpGradInput, { dzg, du, gate, up }, { outIn, shape: x.shape });
      // x comes last in the op's inputs: nothing else will ask for these
      dzg.dispose();
      du.dispose();
      inner = undefined;
      return dx;
    },
  };
}

/** What the gated block does beside its products. */
export interface GatedMlpOptions {
  /** Default `silu` (SwiGLU); `gelu` gives GeGLU. */
  activation?: Activation;
  /** Added to the result; its shape. */
  residual?: Tensor | undefined;
  /** Default `in-out`. */
  weightLayout?: WeightLayout;
}

/**
 * The gated MLP block.
 * @param x [..., D], float32
 * @param weights gate and up [D,F], down [F,D′]; transposed with `weightLayout: 'out-in'`
 * @returns [..., D′]; the caller disposes it
 * @throws ShapeError naming the weight that does not fit; ConfigError for an unknown activation or layout
 */
export function gatedMlp<T extends Tensor = Tensor>(
  x: Tensor,
  weights: { gate: Tensor; up: Tensor; down: Tensor },
  o: GatedMlpOptions = {},
): T {
  const where = 'gatedMlp';
  const { activation = 'silu', residual, weightLayout = 'in-out' } = o;
  const { gate, up, down } = weights ?? {};
  checkName(where, 'activation', activation, activations);
  checkName(where, 'weightLayout', weightLayout, ['in-out', 'out-in']);
  checkDtype(where, 'x', x, 'float32');
  checkRank(where, 'x', x, [1, 2, 3, 4, 5, 6], '[..., D]');
  for (const [name, weight] of Object.entries({ up, gate, down })) checkDtype(where, name, weight, 'float32');
  checkRank(where, 'gate', gate, [2], '[D,F]');
  checkRank(where, 'down', down, [2], '[F,D]');
  const outIn = weightLayout === 'out-in';
  const oriented = (p: number, q: number): number[] => (outIn ? [q, p] : [p, q]);
  const width = x.shape[x.rank - 1] as number;
  const inner = gate.shape[outIn ? 0 : 1] as number;
  const outer = down.shape[outIn ? 0 : 1] as number;
  checkShape(where, 'gate', gate, oriented(width, inner), 'for this x');
  checkShape(where, 'up', up, gate.shape, 'like gate');
  checkShape(where, 'down', down, oriented(inner, outer), 'for this gate');
  if (residual !== undefined) {
    checkDtype(where, 'residual', residual, 'float32');
    checkShape(where, 'residual', residual, [...x.shape.slice(0, -1), outer]);
  }
  return runFused1(gatedMlpOp, present({ residual, down, gate, up, x }), { activation, outIn });
}
