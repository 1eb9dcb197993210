/**
 * The agents' networks: a multilayer perceptron on vectors; with images, each is convolved first (the filters of the
 * Atari network, Mnih et al. 2015) and joins the vector. Trunks of policy and value are separate.
 */
import {
  type Activation,
  ConfigError,
  initializers,
  type Module,
  mlpModule,
  type Params,
  type Rng,
  rng,
} from '@gimbal/tensor-core';
import {
  add,
  concat,
  conv2d,
  relu,
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { ObservationSpec } from '../spaces/observation-spec.ts';

export interface NetworkOptions {
  /** hidden widths */
  hidden: readonly number[];
  activation: Activation & ('tanh' | 'relu');
  /** gain of the output layer's orthogonal weights; absent: the library's default initialisation everywhere */
  outputGain?: number;
}

/** Rows of observations `[B, O]` to `[B, outputs]`. */
export function network(spec: ObservationSpec, outputs: number, o: NetworkOptions): Module<Tensor, Tensor> {
  const orthogonal = o.outputGain !== undefined && {
    weightInit: initializers.orthogonal(Math.SQRT2),
    biasInit: initializers.zeros,
    outputWeightInit: initializers.orthogonal(o.outputGain),
  };
  const head = (inputs: number): Module<Tensor, Tensor> =>
    mlpModule({ sizes: [inputs, ...o.hidden, outputs], activation: o.activation, ...orthogonal });
  if (!spec.parts.some((part) => part.image !== undefined)) return head(spec.size);
  const seen = features(spec);
  const trunk = head(seen.size);
  return {
    init: (r) => ({ ...seen.init(r), trunk: trunk.init(r.split('trunk')) }),
    apply: (params, x) => trunk.apply(params.trunk as Params, seen.apply(params, x as Tensor2D)),
  };
}

/** What networks see of an observation: each image convolved, beside the vectors `[B, size]`. */
export interface Features {
  size: number;
  init(r: Rng): Params;
  apply(params: Params, x: Tensor2D): Tensor2D;
}

export function features(spec: ObservationSpec): Features {
  const images = spec.parts.filter((part) => part.image !== undefined);
  if (images.length === 0) return { size: spec.size, init: () => ({}), apply: (_, x) => x };
  const encoders = images.map((part) => ({ part, encoder: imageEncoder(part.image as [number, number, number]) }));
  const vectors = spec.parts.filter((part) => part.image === undefined);
  return {
    size: vectors.reduce((n, p) => n + p.size, 0) + encoders.reduce((n, e) => n + e.encoder.outputs, 0),
    init: (r) => ({
      images: Object.fromEntries(
        encoders.map(({ encoder }, i) => [String(i), encoder.init(r.split('images').split(i))]),
      ),
    }),
    apply(params, x) {
      const seen = encoders.map(({ part, encoder }, i) =>
        encoder.apply((params.images as Params)[String(i)] as Params, slice(x, [0, part.offset], [-1, part.size])),
      );
      const rest = vectors.map((part) => slice(x, [0, part.offset], [-1, part.size]));
      return concat([...seen, ...rest], 1);
    },
  };
}

/** 32 filters 8×8 by 4, 64 of 4×4 by 2, 64 of 3×3, then 512 linear units; ReLU. */
const filters = [
  { size: 8, stride: 4, outputs: 32 },
  { size: 4, stride: 2, outputs: 64 },
  { size: 3, stride: 1, outputs: 64 },
] as const;

interface ImageEncoder {
  outputs: number;
  init(r: Rng): Params;
  apply(params: Params, x: Tensor): Tensor2D;
}

function imageEncoder([height, width, channels]: readonly [number, number, number]): ImageEncoder {
  let [h, w] = [height, width];
  for (const { size, stride } of filters)
    [h, w] = [Math.floor((h - size) / stride) + 1, Math.floor((w - size) / stride) + 1];
  if (h < 1 || w < 1) {
    throw new ConfigError({
      where: 'network',
      what: 'the image is too small for its filters',
      got: [height, width],
      wanted: 'at least 36 × 36',
    });
  }
  const weight = initializers.orthogonal(Math.SQRT2);
  const dense = mlpModule({
    sizes: [h * w * 64, 512],
    outputActivation: 'relu',
    weightInit: weight,
    biasInit: initializers.zeros,
  });
  return {
    outputs: 512,
    init(r) {
      let inputs: number = channels;
      const layers = filters.map(({ size, outputs }, i) => {
        const layer = {
          weight: weight(r.split(i), [size, size, inputs, outputs]),
          bias: initializers.zeros(rng(0), [outputs]),
        };
        inputs = outputs;
        return [String(i), layer] as const;
      });
      return { ...Object.fromEntries(layers), dense: dense.init(r.split('dense')) };
    },
    apply(params, x) {
      let y = reshape(x, [-1, height, width, channels]) as Tensor4D;
      for (const [i, { stride }] of filters.entries()) {
        const layer = params[String(i)] as { weight: Tensor4D; bias: Tensor1D };
        y = relu(add(conv2d(y, layer.weight, stride, 'valid'), layer.bias)) as Tensor4D;
      }
      return dense.apply(params.dense as Params, reshape(y, [-1, h * w * 64])) as Tensor2D;
    },
  };
}
