// A chain of linear layers, or several of one form on one x, as one op with one gradient.
//
//   zᵢ = hᵢ₋₁ Wᵢ + bᵢ,  hᵢ = act(zᵢ),  h₀ = x;  y = outputActivation(z_L) (+ residual)
//   dzᵢ₋₁ = (dzᵢ Wᵢᵀ) ⊙ act′;  dWᵢ = hᵢ₋₁ᵀ dzᵢ;  dbᵢ = Σ dzᵢ;  dx = dz₁ W₁ᵀ;  dresidual = dy
//
// Where the tape says which gradients it wants, the kernel MlpGrad computes them together.

import { add, clone, concat, matMul, reshape, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { type Activation, activate, activationGrad, composeActivation, needsInput } from '../activations.ts';
import { type Backward, defineFusedOp, type FusedOp, type Gradients } from './fused-op.ts';
import { defineKernel, type Inputs, runKernel, runKernel1 } from './kernel.ts';
import { type Chain, keptByChain, names, savedInputs } from './mlp-chain.ts';
import { layerwise, rows } from './mlp-layerwise.ts';

/** `stacked`: the result is [nets, …], else nets is 1. */
export type MlpAttributes = Chain & { stacked: boolean };

const weightsOf = (inputs: Inputs, a: Chain, net: number): Tensor2D[] =>
  Array.from({ length: a.layers }, (_, i) => inputs[names(net * a.layers + i).weight] as Tensor2D);

/** x W + b, without the bias where a layer has none. */
export type Product = (x: Tensor, weight: Tensor2D, bias: Tensor | undefined, outIn: boolean) => Tensor;

/** act(z), and what the backward pass takes for z where it needs act′ by it: z itself, or what a backend makes of it. */
export type Activated = (z: Tensor, activation: Activation) => [h: Tensor, kept: Tensor];

/** How a backend computes the parts of a chain. */
export interface MlpParts {
  multiply: Product;
  /** Of hidden layers in training; what it keeps is `aux` of its body of `LinearGradInput`. */
  activated: Activated;
}

const product: Product = (x, weight, bias, outIn) => {
  const y = matMul(x, weight, false, outIn);
  return bias === undefined ? y : add(y, bias);
};

const plain: MlpParts = { multiply: product, activated: (z, activation) => [composeActivation(z, activation), z] };

/** y and the extras of one network. */
function composeNet(inputs: Inputs, a: Training, net: number, { multiply, activated }: MlpParts): Tensor[] {
  const weights = weightsOf(inputs, a, net);
  const first = weights[0] as Tensor2D;
  let h: Tensor = rows(inputs.x as Tensor, a.outIn ? first.shape[1] : first.shape[0]);
  const extras: Tensor[] = [];
  const kept = keptByChain(a);
  for (const [i, weight] of weights.entries()) {
    const z = multiply(h, weight, inputs[names(net * a.layers + i).bias], a.outIn);
    const isHidden = i < a.layers - 1;
    const keepsZ = kept[i]?.z !== -1;
    let aux = z;
    if (isHidden && keepsZ && a.training) [h, aux] = activated(z, a.activation);
    else h = composeActivation(z, isHidden ? a.activation : a.outputActivation);
    if (keepsZ) extras.push(aux);
    if (kept[i]?.h !== -1) extras.push(h);
  }
  return [h, ...extras];
}

type Training = MlpAttributes & { training: boolean };

/** The body of `Mlp`. @param parts for a backend that has more than multiplications and additions */
export function composeMlp(inputs: Inputs, a: Training, parts: MlpParts = plain): Tensor[] {
  const x = inputs.x as Tensor;
  const nets = Array.from({ length: a.nets }, (_, net) => composeNet(inputs, a, net, parts));
  const count = a.training ? nets[0]?.length : 1;
  const [h, ...extras] = Array.from({ length: count as number }, (_, i) => joined(nets.map((t) => t[i] as Tensor)));
  const y = reshape(h as Tensor, [
    ...(a.stacked ? [a.nets] : []),
    ...x.shape.slice(0, -1),
    (h as Tensor).shape[1] as number,
  ]);
  return [inputs.residual === undefined ? y : add(y, inputs.residual), ...extras];
}

/**
 * Gradients of a chain. Inputs: x, dz of the last layer, the weights, and the extras of the hidden layers as `extra0`, ….
 * `wanted` says for each layer whether dW (1), db (2) or both (3) are computed, `wantsX` whether dx is. Outputs: those of
 * the layers from first to last, dW before db, then dx.
 */
type GradAttributes = Chain & { wanted: readonly number[]; wantsX: boolean };

const mlpGrad = defineKernel<GradAttributes>('MlpGrad', (inputs, { wanted, wantsX, ...a }) => {
  const extras: Tensor[] = [];
  for (let i = 0; extraName(i) in inputs; i++) extras.push(inputs[extraName(i)] as Tensor);
  const dz = inputs.dz as Tensor;
  const each = layerwise({ attributes: a, inputs, extras, lastDz: () => dz, hold: (t) => t });
  const results: { [name: string]: Tensor } = {};
  // from the last layer down, as its dz are computed
  for (let j = wanted.length - 1; j >= 0; j--)
    for (const name of wantedOf(j, wanted[j] as number)) results[name] = each[name]?.() as Tensor;
  const ordered = wanted.flatMap((what, j) => wantedOf(j, what).map((name) => results[name] as Tensor));
  return wantsX ? [...ordered, each.x?.() as Tensor] : ordered;
});

const wantedOf = (layer: number, what: number): string[] => {
  const { weight, bias } = names(layer);
  return [...(what & 1 ? [weight] : []), ...(what & 2 ? [bias] : [])];
};

const extraNames: string[] = [];
function extraName(i: number): string {
  for (let j = extraNames.length; j <= i; j++) extraNames.push(`extra${j}`);
  return extraNames[i] as string;
}

export const mlpOp: FusedOp<MlpAttributes> = defineFusedOp<MlpAttributes>({
  name: 'Mlp',
  compose: (inputs, a) => composeMlp(inputs, a),
  saveInputs: (a) => savedInputs(a.nets * a.layers),
  saveOutputs: (a) => a.outputActivation !== 'linear' && !needsInput(a.outputActivation) && !a.residual,
  gradient,
});

const joined = (parts: Tensor[]): Tensor => (parts.length === 1 ? (parts[0] as Tensor) : concat(parts, 0));

function gradient(backward: Backward<MlpAttributes>): Gradients {
  const { dys, wanted, attributes: a } = backward;
  const dy = dys[0] as Tensor;
  const gradients =
    wanted === undefined
      ? layerwise({ ...backward, lastDz: () => lastDz(backward) })
      : computedTogether(backward, wanted);
  if (a.residual) gradients.residual = () => clone(dy);
  return gradients;
}

/** dz of the last layer, dy itself where no activation follows it. */
function lastDz({ dys, outputs, extras, attributes: a }: Backward<MlpAttributes>): Tensor {
  const dy = dys[0] as Tensor;
  const { outputActivation: activation } = a;
  if (activation === 'linear') return dy;
  const z = extras[keptByChain(a)[a.layers - 1]?.z as number];
  const aux = z === undefined ? (outputs[0] as Tensor) : needsInput(activation) ? z : activate(z, activation);
  return runKernel1(activationGrad, { dy, aux }, { activation });
}

function computedTogether(backward: Backward<MlpAttributes>, asked: readonly string[]): Gradients {
  const { inputs, extras, attributes: a } = backward;
  const gradients: Gradients = {};
  const order: string[] = [];
  const wanted: number[] = [];
  for (let j = 0; j < a.nets * a.layers; j++) {
    const { weight, bias } = names(j);
    const [dw, db] = [asked.includes(weight), asked.includes(bias)];
    wanted.push((dw ? 1 : 0) + (db ? 2 : 0));
    if (dw) order.push(weight);
    if (db) order.push(bias);
  }
  const wantsX = asked.includes('x');
  if (wantsX) order.push('x');
  let results: Tensor[] | undefined;
  const run = (): Tensor[] => {
    const given: Inputs = { dz: lastDz(backward) };
    for (const name in inputs) given[name] = inputs[name] as Tensor;
    const hidden = a.layers > 1 ? (keptByChain(a)[a.layers - 2]?.h as number) + 1 : 0;
    for (let i = 0; i < hidden; i++) given[extraName(i)] = extras[i] as Tensor;
    const { nets, layers, activation, outIn } = a;
    // what follows the last layer is in dz
    const chain: Chain = { nets, layers, activation, outputActivation: 'linear', outIn, residual: false };
    return runKernel(mlpGrad, given, { ...chain, wanted, wantsX });
  };
  order.forEach((name, i) => {
    gradients[name] = () => {
      results ??= run();
      return results[i] as Tensor;
    };
  });
  return gradients;
}
