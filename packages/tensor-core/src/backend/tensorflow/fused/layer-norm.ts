// Layer norm by TensorFlow's batch norm: rows are its channels, each normalised over its elements.
import { add, mean, mul, ones, reshape, rsqrt, sub, sum, type Tensor, tensor1d, zeros } from '@tensorflow/tfjs-core';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import type { TensorFlowBackend } from '../tensorflow-backend.ts';

type Body<A> = (inputs: Inputs, attributes: A) => Tensor[];

/** In training it returns x̂ and r = 1/√(σ² + ε) behind y, where other bodies return the mean and r. */
export function layerNorm(backend: TensorFlowBackend): Body<{ epsilon: number; training: boolean }> {
  const { binding: b } = backend;
  return (inputs, { epsilon, training }) => {
    const { x, scale, offset } = inputs as { [name in 'x' | 'scale' | 'offset']: Tensor };
    const width = scale.size;
    const rows = width === 0 ? 0 : x.size / width;
    const [xHat, variance] = rows === 0 || width < 2 ? plain(x, width) : batchNorm(rows, width, x, epsilon);
    const y = reshape(add(mul(xHat, scale), offset), x.shape);
    return training ? [y, xHat, rsqrt(add(variance, epsilon))] : [y];

    function plain(values: Tensor, n: number): [Tensor, Tensor] {
      const flat = reshape(values, [-1, n]);
      const centred = sub(flat, mean(flat, -1, true));
      const spread = mean(mul(centred, centred), -1, true);
      return [mul(centred, rsqrt(add(spread, epsilon))), reshape(spread, [-1])];
    }
  };

  /** x̂ [R,D] and σ² [R]. */
  function batchNorm(rows: number, width: number, x: Tensor, epsilon: number): [Tensor, Tensor] {
    const attributes = [
      { name: 'T', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT },
      { name: 'U', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT },
      { name: 'epsilon', type: b.TF_ATTR_FLOAT, value: epsilon },
      { name: 'data_format', type: b.TF_ATTR_STRING, value: 'NCHW' },
      { name: 'is_training', type: b.TF_ATTR_BOOL, value: true },
    ];
    const nothing = tensor1d([]);
    const image = reshape(x, [1, rows, width, 1]);
    const given = [image, ones([rows]), zeros([rows]), nothing, nothing];
    const [y, , variance] = backend.executeMultipleOutputs('FusedBatchNormV3', attributes, given, 6) as Tensor[];
    // the operation gives the unbiased variance
    return [reshape(y as Tensor, [rows, width]), mul(variance as Tensor, (width - 1) / width)];
  }
}

/** `mu` is x̂ here. */
export const layerNormGrad: Body<Record<string, never>> = (inputs) => {
  const { dy, x, scale, mu, r } = inputs as { [name in 'dy' | 'x' | 'scale' | 'mu' | 'r']: Tensor };
  const [xHat, dy2] = [mu, reshape(dy, [-1, scale.size])];
  const g = mul(dy2, scale);
  const inner = sub(sub(g, mean(g, -1, true)), mul(xHat, mean(mul(g, xHat), -1, true)));
  return [reshape(mul(reshape(r, [-1, 1]), inner), x.shape), sum(mul(dy2, xHat), 0), sum(dy2, 0)];
};
