// Packing: matrices that do not change for a while (generation, frozen models, teachers) are laid out once in the order
// in which the matrix product reads them. A product with few rows spends as long on that as on multiplying.
import type { Tensor } from '@tensorflow/tfjs-core';
import { backendExtensions, type Precision } from '../backend/extensions.ts';
import { flatten, type Params } from '../tree/params.ts';
import { noBf16 } from './with-precision.ts';

/** Which weights are packed, and how. */
export interface PackWeightsOptions {
  /** How a matrix is used: `in-out` [K, N] (default), `out-in` [N, K] (PyTorch's Linear); undefined: leave it out. */
  layout?: WeightLayout | ((path: string, weight: Tensor) => WeightLayout | undefined);
  /** The precision of the products that will use it; default: the current one (`withPrecision`). */
  precision?: Precision;
}

/** How a weight matrix is stored: `in-out` [K,N], y = x W; `out-in` [N,K], y = x Wᵀ (PyTorch's Linear). */
export type WeightLayout = 'in-out' | 'out-in';

/** Packed copies of some weights. Disposing drops them; the weights stay. */
export interface PackedWeights extends Disposable {
  /** Matrices that have a packed copy; 0 on a backend that does not pack. */
  readonly count: number;
  dispose(): void;
}

/**
 * Attaches packed copies to the float32 matrices of a tree; products use them until they are disposed or the weight is
 * written in place, and give the same numbers. Costs the matrices' memory once more. On a backend that does not pack it
 * does nothing.
 * @returns a handle that the caller disposes
 * @throws BackendError for bf16 where there is none
 * @example using packed = packWeights(params, { layout: 'out-in' });
 */
export function packWeights(params: Params, o: PackWeightsOptions = {}): PackedWeights {
  const backend = backendExtensions();
  const { layout = 'in-out', precision = backend?.precision ?? 'float32' } = o;
  if (precision === 'bf16' && !backend?.bf16) throw noBf16('packWeights');
  let packed: Tensor[] = [];
  if (backend !== undefined) {
    for (const [path, weight] of flatten(params)) {
      if (weight.rank !== 2 || weight.dtype !== 'float32') continue;
      const use = typeof layout === 'function' ? layout(path, weight) : layout;
      if (use === undefined) continue;
      backend.packWeight(weight, { transposed: use === 'out-in', precision });
      packed.push(weight);
    }
  }
  const dispose = (): void => {
    for (const weight of packed) if (!weight.isDisposed) backend?.unpackWeight(weight);
    packed = [];
  };
  return { count: packed.length, dispose, [Symbol.dispose]: dispose };
}
