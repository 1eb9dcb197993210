// Chains of linear layers: the transformer's MLP block with its residual, and the small networks of reinforcement
// learning, where the overhead of one op per layer is a large part of a step. The formulas stand at the op,
// internal/mlp-op.ts.

import type { Tensor } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { type Activation, activations } from './activations.ts';
import { checkDtype, checkList, checkName, checkRank, checkShape } from './internal/check.ts';
import { runFused1 } from './internal/fused-op.ts';
import type { Inputs } from './internal/kernel.ts';
import { names } from './internal/mlp-chain.ts';
import { mlpOp } from './internal/mlp-op.ts';

/** How a weight matrix is stored: `in-out` [K,N], y = x W; `out-in` [N,K], y = x Wᵀ (PyTorch's Linear). */
export type WeightLayout = 'in-out' | 'out-in';

/** The tensors of one linear layer. */
export interface Layer {
  /** [K,N], or [N,K] where the layout is `out-in`. */
  weight: Tensor;
  /** [N]. */
  bias?: Tensor | undefined;
}

/** Activations, residual and layout of a chain of layers. */
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
  return chain('mlp', x, [layers], o, false);
}

/**
 * Several networks of one form on the same rows in one op: twin critics, ensembles.
 * @param x [..., K₁], float32
 * @param nets the layers of each network, as {@link mlp} takes them; all of the same shapes
 * @returns [nets, ..., N_L]; the caller disposes it
 * @throws ShapeError naming the layer that does not fit; ConfigError for an unknown activation or layout
 * @example const [q1, q2] = unstack(mlpEnsemble(concat([s, a], 1), [critic1, critic2]));
 */
export function mlpEnsemble<T extends Tensor = Tensor>(
  x: Tensor,
  nets: readonly (readonly Layer[])[],
  o: Omit<MlpOptions, 'residual'> = {},
): T {
  return chain('mlpEnsemble', x, nets, o, true);
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
  return chain('linear', x, [[{ weight, bias }]], { outputActivation: activation, ...rest }, false);
}

const layouts = ['in-out', 'out-in'] as const;
const ranks = [1, 2, 3, 4, 5, 6];

function chain<T extends Tensor>(
  where: string,
  x: Tensor,
  nets: readonly (readonly Layer[])[],
  o: MlpOptions,
  stacked: boolean,
): T {
  const { activation = 'relu', outputActivation = 'linear', residual, weightLayout = 'in-out' } = o;
  checkName(where, 'activation', activation, activations);
  checkName(where, 'activation', outputActivation, activations);
  checkName(where, 'weightLayout', weightLayout, layouts);
  checkDtype(where, 'x', x, 'float32');
  if (x.rank === 0) checkRank(where, 'x', x, ranks, '[..., K]');
  const form = 'lists of { weight, bias }';
  checkList(where, 'these are no layers', nets, form);
  for (const layers of nets) checkList(where, 'these are no layers', layers, form);
  if (nets.length === 0) throw new ShapeError({ where, what: 'there is no network', got: 0, wanted: 'at least one' });
  const layers = (nets[0] as readonly Layer[]).length;
  if (layers === 0) throw new ShapeError({ where, what: 'there is no layer', got: 0, wanted: 'at least one' });
  const outIn = weightLayout === 'out-in';
  const width = checkLayers(where, x, nets, outIn);
  const inputs: Inputs = {};
  if (residual !== undefined) {
    checkDtype(where, 'residual', residual, 'float32');
    checkShape(where, 'residual', residual, [...x.shape.slice(0, -1), width]);
    inputs.residual = residual;
  }
  // the order in which the gradients are asked for: from the last layer to the first
  for (let net = nets.length - 1; net >= 0; net--) {
    const here = nets[net] as readonly Layer[];
    for (let i = layers - 1; i >= 0; i--) {
      const { weight, bias } = here[i] as Layer;
      const name = names(net * layers + i);
      inputs[name.weight] = weight;
      if (bias !== undefined) inputs[name.bias] = bias;
    }
  }
  inputs.x = x;
  return runFused1(mlpOp, inputs, {
    nets: nets.length,
    stacked,
    layers,
    activation,
    outputActivation,
    outIn,
    residual: residual !== undefined,
  });
}

/** Refuses layers that do not fit each other. @returns the width of the result */
function checkLayers(where: string, x: Tensor, nets: readonly (readonly Layer[])[], outIn: boolean): number {
  const layers = (nets[0] as readonly Layer[]).length;
  let width = 0;
  for (let net = 0; net < nets.length; net++) {
    const here = nets[net] as readonly Layer[];
    width = x.shape[x.rank - 1] as number;
    // the messages' names only where one is thrown: this runs at every call
    const name = (i: number): string =>
      where === 'linear' ? 'weight' : where === 'mlp' ? `layers[${i}].weight` : `nets[${net}][${i}].weight`;
    if (here.length !== layers)
      throw new ShapeError({ where, what: `nets[${net}] has another depth`, got: here.length, wanted: layers });
    for (let i = 0; i < layers; i++) {
      const { weight, bias } = here[i] as Layer;
      if (weight?.isDisposed !== false || weight.dtype !== 'float32') checkDtype(where, name(i), weight, 'float32');
      if (bias !== undefined && (bias?.isDisposed !== false || bias.dtype !== 'float32'))
        checkDtype(where, name(i).replace('weight', 'bias'), bias, 'float32');
      const { shape } = weight;
      if (shape.length !== 2) checkRank(where, name(i), weight, [2], outIn ? '[N,K]' : '[K,N]');
      const inSize = shape[outIn ? 1 : 0] as number;
      const outSize = shape[outIn ? 0 : 1] as number;
      if (inSize !== width)
        throw new ShapeError({
          where,
          what: `${name(i)} does not fit its input, which is ${width} wide`,
          got: shape,
          wanted: outIn ? `[N,${width}]` : `[${width},N]`,
          ...(outSize === width ? { fix: `Pass weightLayout: '${outIn ? 'in-out' : 'out-in'}'?` } : {}),
        });
      if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== outSize))
        checkShape(where, name(i).replace('weight', 'bias'), bias, [outSize]);
      if (net > 0) checkLike(where, name(i), here[i] as Layer, (nets[0] as readonly Layer[])[i] as Layer);
      width = outSize;
    }
  }
  return width;
}

/** Refuses a layer of another network that differs in form from the first one's. */
function checkLike(where: string, name: string, layer: Layer, first: Layer): void {
  checkShape(where, name, layer.weight, first.weight.shape, 'like that of the first network');
  if ((layer.bias === undefined) === (first.bias === undefined)) return;
  throw new ShapeError({ where, what: `${name.replace('weight', 'bias')}: all networks have a bias there, or none` });
}
