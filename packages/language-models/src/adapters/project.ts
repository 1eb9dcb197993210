// A linear layer of a model, with whatever adapter its branch of the tree holds. LoRA (Hu et al., arXiv 2106.09685) and
// DoRA (Liu et al., arXiv 2402.09353) are leaves beside the weight, so a model with an adapter is one tree like any other.
//
//   LoRA: y = x Wᵀ + (s x Aᵀ) Bᵀ + b
//   DoRA: y = m / ‖W + s B A‖ ⊙ (x Wᵀ + s (x Aᵀ) Bᵀ) + b, the norm by output, without a gradient
import { linear, type Params, stopGradient, type WeightLayout } from '@gimbal/tensor-core';
import { add, div, matMul, mul, sqrt, square, sum, type Tensor, type Tensor2D, transpose } from '@tensorflow/tfjs-core';

/** The leaves of a layer that an adapter brings. */
interface AdaptedLayer {
  weight: Tensor;
  bias?: Tensor;
  lora_A?: { weight: Tensor };
  lora_B?: { weight: Tensor };
  /** s; not trained */
  lora_scale?: Tensor;
  lora_magnitude_vector?: Tensor;
}

/** Whether a layer's branch holds an adapter. */
export const isAdapted = (layer: Params): boolean => 'lora_A' in layer;

/** Whether the leaf of this path is trained when an adapter is. */
export const isAdapterPath = (path: string): boolean =>
  /(?:^|\.)lora_(?:A\.weight|B\.weight|magnitude_vector)$/.test(path);

/** x through the layer, with its bias and adapter, plus `residual`. */
export function project<T extends Tensor = Tensor>(
  layer: Params,
  x: Tensor,
  weightLayout: WeightLayout,
  residual?: Tensor,
): T {
  const {
    weight,
    bias,
    lora_A: a,
    lora_B: b,
    lora_scale: scale,
    lora_magnitude_vector: magnitude,
  } = layer as unknown as AdaptedLayer;
  if (a === undefined || b === undefined || scale === undefined) {
    return linear<T>(x, weight, { bias, residual, weightLayout });
  }
  // scaled where it is narrow: a product keeps what it multiplied until the backward pass
  const low = mul(linear(x, a.weight, { weightLayout: 'out-in' }), scale); // [..., r]
  const delta = linear(low, b.weight, { weightLayout: 'out-in' });
  if (magnitude === undefined) {
    const rest = residual === undefined ? delta : add(delta, residual);
    return linear<T>(x, weight, { bias, residual: rest, weightLayout });
  }
  const y = mul(linear(x, weight, { residual: delta, weightLayout }), div(magnitude, rowNorms(layer, weightLayout)));
  const biased = bias === undefined ? y : add(y, bias);
  return (residual === undefined ? biased : add(biased, residual)) as T;
}

/** ‖W + s B A‖ by output [out], a constant to the gradient. */
export function rowNorms(layer: Params, weightLayout: WeightLayout): Tensor {
  return stopGradient(sqrt(sum(square(adaptedWeight(layer, weightLayout)), 1)));
}

/** W + s B A as [out, in]. */
export function adaptedWeight(layer: Params, weightLayout: WeightLayout): Tensor2D {
  const { weight, lora_A: a, lora_B: b, lora_scale: scale } = layer as unknown as Required<AdaptedLayer>;
  const rows = weightLayout === 'out-in' ? weight : transpose(weight);
  return add(rows, mul(matMul(b.weight as Tensor2D, a.weight as Tensor2D), scale));
}
