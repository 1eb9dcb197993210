// A chain of linear layers as one op with one gradient: the transformer's MLP block with its residual, and the small
// networks of reinforcement learning, where the overhead of one op per layer is a large part of a step.
//
//   zᵢ = hᵢ₋₁ Wᵢ + bᵢ,  hᵢ = act(zᵢ),  h₀ = x;  y = outputActivation(z_L) (+ residual)
//   dzᵢ₋₁ = (dzᵢ Wᵢᵀ) ⊙ act′;  dWᵢ = hᵢ₋₁ᵀ dzᵢ;  dbᵢ = Σ dzᵢ;  dx = dz₁ W₁ᵀ;  dresidual = dy

import { add, matMul, reshape, sum, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import {
  type Activation,
  activate,
  activationGrad,
  activations,
  composeActivation,
  composeActivationGrad,
  needsInput,
} from './activations.ts';
import { checkDtype, checkName, checkRank, checkShape, sizeOf } from './internal/check.ts';
import { type Backward, defineFusedOp, type Gradients, runFused1 } from './internal/fused-op.ts';
import { defineKernel, present, runKernel1 } from './internal/kernel.ts';

/** How a weight matrix is stored: `in-out` [K,N], y = x W; `out-in` [N,K], y = x Wᵀ (PyTorch's Linear). */
export type WeightLayout = 'in-out' | 'out-in';

/** The tensors of one linear layer. */
export interface Layer {
  /** [K,N], or [N,K] where the layout is `out-in`. */
  weight: Tensor;
  /** [N]. */
  bias?: Tensor | undefined;
}

type MlpAttributes = {
  layers: number;
  activation: Activation;
  outputActivation: Activation;
  outIn: boolean;
  residual: boolean;
};

/** What the forward pass keeps of layer i: positions in the list of extras, −1 where there is nothing. */
interface Kept {
  /** Input of the activation. */
  z: number;
  /** Output of the activation, hᵢ. */
  h: number;
}

/**
 * Which tensors the kernel returns behind y, in order: for each hidden layer z (where act′ needs it) and h; for the last
 * layer z where its activation needs it, or where a residual hides the activation's output.
 */
function keptByMlp(a: { layers: number; activation: string; outputActivation: string; residual: boolean }): Kept[] {
  let next = 0;
  return Array.from({ length: a.layers }, (_, i) => {
    if (i < a.layers - 1) {
      const z = needsInput(a.activation as Activation) ? next++ : -1;
      return { z, h: next++ };
    }
    const nonlinear = a.outputActivation !== 'linear';
    return { z: nonlinear && (needsInput(a.outputActivation as Activation) || a.residual) ? next++ : -1, h: -1 };
  });
}

/** dz of a layer from dz of the next: (dz Wᵀ) ⊙ act′(aux), in attributes.shape; `aux` as needsInput says. */
const linearGradInput = defineKernel(
  'LinearGradInput',
  (inputs, { activation, outIn, shape }: { activation: Activation; outIn: boolean; shape: readonly number[] }) => {
    const { dz, weight, aux } = inputs as { dz: Tensor; weight: Tensor2D; aux?: Tensor };
    const width = outIn ? weight.shape[0] : weight.shape[1];
    const d = reshape(matMul(rows(dz, width), weight, false, !outIn), [...shape]);
    return [aux === undefined ? d : composeActivationGrad(d, reshape(aux, [...shape]), activation)];
  },
);

/** dW = xᵀ dz, or dzᵀ x where the layout is out-in. */
export const linearGradWeight = defineKernel(
  'LinearGradWeight',
  (inputs, { outIn, shape: [p, q] }: { outIn: boolean; shape: readonly number[] }) => {
    const { x, dz } = inputs as { x: Tensor; dz: Tensor };
    const [inSize, outSize] = (outIn ? [q, p] : [p, q]) as [number, number];
    const [a, b] = [rows(x, inSize), rows(dz, outSize)];
    return [outIn ? matMul(b, a, true, false) : matMul(a, b, true, false)];
  },
);

/** db [N]: the sum of dz over all but its last axis. */
const biasGrad = defineKernel('BiasGrad', (inputs, { size }: { size: number }) => [
  sum(rows(inputs.dz as Tensor, size), 0),
]);

const mlpOp = defineFusedOp<MlpAttributes>({
  name: 'Mlp',
  compose: (inputs, a) => {
    const x = inputs.x as Tensor;
    const weights = Array.from({ length: a.layers }, (_, i) => inputs[`weight${i}`] as Tensor2D);
    const first = weights[0] as Tensor2D;
    let h: Tensor = rows(x, a.outIn ? first.shape[1] : first.shape[0]);
    const extras: Tensor[] = [];
    const kept = keptByMlp(a);
    weights.forEach((weight, i) => {
      const bias = inputs[`bias${i}`];
      const z: Tensor =
        bias === undefined ? matMul(h, weight, false, a.outIn) : add(matMul(h, weight, false, a.outIn), bias);
      h = composeActivation(z, i < a.layers - 1 ? a.activation : a.outputActivation);
      if (kept[i]?.z !== -1) extras.push(z);
      if (kept[i]?.h !== -1) extras.push(h);
    });
    const y = reshape(h, [...x.shape.slice(0, -1), h.shape[1] as number]);
    const residual = inputs.residual;
    return [residual === undefined ? y : add(y, residual), ...(a.training ? extras : [])];
  },
  saveInputs: ({ layers }) => ['x', ...Array.from({ length: layers }, (_, i) => `weight${i}`)],
  saveOutputs: (a) => a.outputActivation !== 'linear' && !needsInput(a.outputActivation) && !a.residual,
  gradient: mlpGradient,
});

function mlpGradient(backward: Backward<MlpAttributes>): Gradients {
  const { inputs, outputs, extras, attributes: a } = backward;
  const dy = backward.dys[0] as Tensor;
  const kept = keptByMlp(a);
  const weight = (i: number): Tensor => inputs[`weight${i}`] as Tensor;
  const input = (i: number): Tensor => (i === 0 ? inputs.x : extras[kept[i - 1]?.h as number]) as Tensor;

  // dz of one layer at a time: the engine asks for the last layer first, so an older one can go when the next is there
  let level = a.layers;
  let held: Tensor | undefined;
  const outputGrad = (): Tensor => {
    if (a.outputActivation === 'linear') return dy;
    const z = extras[kept[a.layers - 1]?.z as number];
    const { outputActivation: activation } = a;
    if (z === undefined) return runKernel1(activationGrad, { dy, aux: outputs[0] as Tensor }, { activation });
    const aux = needsInput(activation) ? z : activate(z, activation);
    return runKernel1(activationGrad, { dy, aux }, { activation });
  };
  const dz = (i: number): Tensor => {
    if (i > level) level = a.layers; // asked out of order: start again
    while (level > i) {
      const next = held ?? dy;
      level--;
      if (level === a.layers - 1) {
        held?.dispose();
        const last = outputGrad();
        held = last === dy ? undefined : backward.hold(last);
        continue;
      }
      const { z = -1, h = -1 } = kept[level] ?? {};
      const aux = extras[z === -1 ? h : z] as Tensor;
      const before = held;
      held = backward.hold(
        runKernel1(
          linearGradInput,
          { dz: next, weight: weight(level + 1), aux },
          { activation: a.activation, outIn: a.outIn, shape: aux.shape },
        ),
      );
      before?.dispose();
    }
    return held ?? dy;
  };

  const gradients: Gradients = { residual: () => dy.clone() };
  for (let i = a.layers - 1; i >= 0; i--) {
    gradients[`weight${i}`] = () =>
      runKernel1(linearGradWeight, { x: input(i), dz: dz(i) }, { outIn: a.outIn, shape: weight(i).shape });
    gradients[`bias${i}`] = () =>
      runKernel1(biasGrad, { dz: dz(i) }, { size: weight(i).shape[a.outIn ? 0 : 1] as number });
  }
  gradients.x = () =>
    runKernel1(
      linearGradInput,
      { dz: dz(0), weight: weight(0) },
      { activation: 'linear' as const, outIn: a.outIn, shape: (inputs.x as Tensor).shape },
    );
  return gradients;
}

/** x as a matrix of rows of this width. */
const rows = (x: Tensor, width: number): Tensor2D => reshape(x, [width === 0 ? 0 : sizeOf(x.shape) / width, width]);

/** What the chain does beside its products. */
export interface MlpOptions {
  /** Between the layers. Default `relu`. */
  activation?: Activation;
  /** After the last layer. Default `linear`. */
  outputActivation?: Activation;
  /** Added to the result; its shape. */
  residual?: Tensor | undefined;
  /** Default `in-out`. */
  weightLayout?: WeightLayout;
}

/**
 * A chain of linear layers with an activation between them.
 * @param x [..., K₁], float32
 * @param layers weights and biases from first to last, each one's inputs as wide as the outputs of the one before
 * @returns [..., N_L]; the caller disposes it
 * @throws ShapeError naming the layer that does not fit; ConfigError for an unknown activation or layout
 * @example mlp(observations, [{ weight: w1, bias: b1 }, { weight: w2, bias: b2 }], { activation: 'tanh' })
 */
export function mlp<T extends Tensor = Tensor>(x: Tensor, layers: readonly Layer[], o: MlpOptions = {}): T {
  return chain('mlp', x, layers, o);
}

/** What the layer does beside its product. */
export interface LinearOptions {
  /** [N]. */
  bias?: Tensor | undefined;
  /** Default `linear`. */
  activation?: Activation;
  /** Added to the result, after the activation; its shape. */
  residual?: Tensor | undefined;
  /** Default `in-out`. */
  weightLayout?: WeightLayout;
}

/**
 * act(x W + b) + residual.
 * @param x [..., K], float32
 * @param weight [K,N], or [N,K] with `weightLayout: 'out-in'`
 * @returns [..., N]; the caller disposes it
 * @throws ShapeError where the shapes do not fit; ConfigError for an unknown activation or layout
 * @example linear(x, w, { bias: b, activation: 'gelu' })
 */
export function linear<T extends Tensor = Tensor>(x: Tensor, weight: Tensor, o: LinearOptions = {}): T {
  const { bias, activation = 'linear', ...rest } = o;
  return chain('linear', x, [{ weight, bias }], { outputActivation: activation, ...rest });
}

function chain<T extends Tensor>(where: string, x: Tensor, layers: readonly Layer[], o: MlpOptions): T {
  const { activation = 'relu', outputActivation = 'linear', residual, weightLayout = 'in-out' } = o;
  checkName(where, 'activation', activation, activations);
  checkName(where, 'activation', outputActivation, activations);
  checkName(where, 'weightLayout', weightLayout, ['in-out', 'out-in']);
  checkDtype(where, 'x', x, 'float32');
  if (x.rank === 0) checkRank(where, 'x', x, [1, 2, 3, 4, 5, 6], '[..., K]');
  if (layers.length === 0) throw new ShapeError({ where, what: 'there is no layer', got: 0, wanted: 'at least one' });

  const outIn = weightLayout === 'out-in';
  const inputs: { [name: string]: Tensor | undefined } = { residual };
  let width = x.shape[x.rank - 1] as number;
  layers.forEach(({ weight, bias }, i) => {
    const name = where === 'linear' ? 'weight' : `layers[${i}].weight`;
    checkRank(where, name, weight, [2], outIn ? '[N,K]' : '[K,N]');
    const [rowCount, columnCount] = weight.shape as [number, number];
    const [inSize, outSize] = outIn ? [columnCount, rowCount] : [rowCount, columnCount];
    if (inSize !== width)
      throw new ShapeError({
        where,
        what: `${name} does not fit its input, which is ${width} wide`,
        got: weight.shape,
        wanted: outIn ? `[N,${width}]` : `[${width},N]`,
        ...(outSize === width ? { fix: `Pass weightLayout: '${outIn ? 'in-out' : 'out-in'}'?` } : {}),
      });
    if (bias !== undefined) checkShape(where, name.replace('weight', 'bias'), bias, [outSize]);
    width = outSize;
  });
  const shape = [...x.shape.slice(0, -1), width];
  if (residual !== undefined) checkShape(where, 'residual', residual, shape);

  // the order in which the gradients are asked for: from the last layer to the first
  for (let i = layers.length - 1; i >= 0; i--) {
    inputs[`weight${i}`] = layers[i]?.weight;
    inputs[`bias${i}`] = layers[i]?.bias;
  }
  inputs.x = x;
  return runFused1(mlpOp, present(inputs), {
    layers: layers.length,
    activation,
    outputActivation,
    outIn,
    residual: residual !== undefined,
  });
}
