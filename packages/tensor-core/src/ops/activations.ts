// Activation functions as ops, and gated pairs of them.
//
// GELU, Hendrycks & Gimpel 2016: x Φ(x). `gelu` is its tanh form, ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (GPT-2's,
// `gelu_new` or `gelu_pytorch_tanh` elsewhere); `gelu-erf` is the exact one (`gelu` elsewhere).

import {
  add,
  clone,
  elu,
  erf,
  exp,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  softplus,
  step,
  sub,
  type Tensor,
  tanh,
} from '@tensorflow/tfjs-core';
import { checkDtype, checkName, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused1, together } from './internal/fused-op.ts';
import { defineKernel, runKernel, runKernel1 } from './internal/kernel.ts';

/** Every activation by name. */
export const activations = [
  'linear',
  'relu',
  'gelu',
  'gelu-erf',
  'silu',
  'tanh',
  'sigmoid',
  'elu',
  'softplus',
] as const;

/** `gelu` is the tanh form, `gelu-erf` the exact one. */
export type Activation = (typeof activations)[number];

/** Activations whose derivative needs their input; the others give it from their output. */
export const needsInput = (activation: Activation): boolean =>
  activation === 'gelu' || activation === 'gelu-erf' || activation === 'silu';

const twoRootTwoOverPi = 2 * Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** `gelu` is x σ(x (c₀ + c₁ x²)). */
export const geluCoefficients = [twoRootTwoOverPi, cubic * twoRootTwoOverPi] as const;

/** 2√(2/π)(1 + c x²). As ½(1 + tanh u) = σ(2u), `gelu` is x σ(x · this), which takes fewer passes than by tanh. */
const geluSlope = (square: Tensor, c: number): Tensor => add(mul(square, c * twoRootTwoOverPi), twoRootTwoOverPi);

/** act(x) by TensorFlow.js ops. */
export function composeActivation(x: Tensor, activation: Activation): Tensor {
  switch (activation) {
    case 'linear':
      return clone(x);
    case 'relu':
      return relu(x);
    case 'gelu':
      return mul(x, sigmoid(mul(x, geluSlope(mul(x, x), cubic))));
    case 'gelu-erf':
      return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
    case 'silu':
      return mul(x, sigmoid(x));
    case 'tanh':
      return tanh(x);
    case 'sigmoid':
      return sigmoid(x);
    case 'elu':
      return elu(x);
    case 'softplus':
      return softplus(x);
  }
}

/** act′, from the input of gelu, gelu-erf and silu and from the output of the others. */
export function composeDerivative(aux: Tensor, activation: Activation): Tensor {
  switch (activation) {
    case 'linear':
      return add(mul(aux, 0), 1);
    case 'relu':
      return step(aux);
    case 'gelu': {
      const square = mul(aux, aux);
      const s = sigmoid(mul(aux, geluSlope(square, cubic)));
      return mul(s, add(mul(mul(aux, geluSlope(square, 3 * cubic)), sub(1, s)), 1));
    }
    case 'gelu-erf': {
      const density = mul(exp(mul(mul(aux, aux), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return add(mul(add(erf(mul(aux, Math.SQRT1_2)), 1), 0.5), mul(aux, density));
    }
    case 'silu': {
      const s = sigmoid(aux);
      return mul(s, add(mul(aux, sub(1, s)), 1));
    }
    case 'tanh':
      return sub(1, mul(aux, aux));
    case 'sigmoid':
      return mul(aux, sub(1, aux));
    case 'elu':
      // 1 where the output is positive, else output + 1
      return sub(1, relu(neg(aux)));
    case 'softplus':
      return sub(1, exp(neg(aux)));
  }
}

/** dy ⊙ act′, by TensorFlow.js ops; `aux` as {@link needsInput} says. */
export const composeActivationGrad = (dy: Tensor, aux: Tensor, activation: Activation): Tensor =>
  activation === 'linear' ? clone(dy) : mul(dy, composeDerivative(aux, activation));

/** dz = dy ⊙ act′. Inputs dy, aux of equal size; output of dy's shape. */
export const activationGrad = defineKernel('ActivationGrad', (inputs, { activation }: { activation: Activation }) => [
  composeActivationGrad(inputs.dy as Tensor, reshape(inputs.aux as Tensor, (inputs.dy as Tensor).shape), activation),
]);

const activationOp = defineFusedOp<{ activation: Activation }>({
  name: 'Activation',
  compose: (inputs, { activation }) => [composeActivation(inputs.x as Tensor, activation)],
  saveInputs: ({ activation }) => (needsInput(activation) ? ['x'] : []),
  saveOutputs: ({ activation }) => !needsInput(activation),
  gradient: ({ dys: [dy], inputs: { x }, outputs: [y], attributes: { activation } }) => ({
    x: () => runKernel1(activationGrad, { dy: dy as Tensor, aux: (x ?? y) as Tensor }, { activation }),
  }),
});

/**
 * Applies an activation function to every element.
 * @param x any shape, float32
 * @param activation one of {@link activations}
 * @returns x's shape; the caller disposes it
 * @throws ConfigError for an unknown name, ShapeError for another dtype
 */
export function activate<T extends Tensor>(x: T, activation: Activation): T {
  checkName('activate', 'activation', activation, activations);
  checkDtype('activate', 'x', x, 'float32');
  return runFused1(activationOp, { x }, { activation }) as T;
}

/** GELU in its tanh form, any shape. */
export const gelu = <T extends Tensor>(x: T): T => activate(x, 'gelu');

/** Exact GELU, x Φ(x), any shape. */
export const geluErf = <T extends Tensor>(x: T): T => activate(x, 'gelu-erf');

/** SiLU (swish), x σ(x), any shape. */
export const silu = <T extends Tensor>(x: T): T => activate(x, 'silu');

const gatedGrad = defineKernel('GatedActivationGrad', (inputs, { activation }: { activation: Activation }) => {
  const { dy, gate, up } = inputs as { dy: Tensor; gate: Tensor; up: Tensor };
  const h = composeActivation(gate, activation);
  const aux = needsInput(activation) ? gate : h;
  return [composeActivationGrad(mul(dy, up), aux, activation), mul(dy, h)];
});

const gatedOp = defineFusedOp<{ activation: Activation }>({
  name: 'GatedActivation',
  compose: ({ gate, up }, { activation }) => [mul(composeActivation(gate as Tensor, activation), up as Tensor)],
  saveInputs: ['gate', 'up'],
  gradient: (backward) =>
    together(backward, ['gate', 'up'], () => {
      const { dys, inputs, attributes } = backward;
      return runKernel(gatedGrad, { dy: dys[0] as Tensor, ...inputs }, attributes);
    }),
});

/**
 * act(gate) ⊙ up (Shazeer 2020): SwiGLU with `silu`, GeGLU with `gelu`.
 * @param gate any shape, float32
 * @param up the same shape
 * @returns that shape; the caller disposes it
 * @throws ShapeError where the shapes differ
 */
export function gatedActivation<T extends Tensor>(gate: T, up: T, activation: Activation): T {
  checkName('gatedActivation', 'activation', activation, activations);
  checkDtype('gatedActivation', 'gate', gate, 'float32');
  checkDtype('gatedActivation', 'up', up, 'float32');
  checkShape('gatedActivation', 'up', up, gate.shape, 'like gate');
  return runFused1(gatedOp, { gate, up }, { activation }) as T;
}

/** SwiGLU: silu(gate) ⊙ up. */
export const swiglu = <T extends Tensor>(gate: T, up: T): T => gatedActivation(gate, up, 'silu');

/** GeGLU: gelu(gate) ⊙ up, with the tanh form. */
export const geglu = <T extends Tensor>(gate: T, up: T): T => gatedActivation(gate, up, 'gelu');
