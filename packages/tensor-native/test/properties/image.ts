// Cases of convolutions, pooling, resizing, normalisation and contractions, with the gradients that training uses.
import * as tf from '@tensorflow/tfjs-core';
import type { Case } from './compare.ts';
import type { Draw } from './draw.ts';

type Pad = 'same' | 'valid' | number;
const TOLERANCE = 2e-5;

interface Geometry {
  image: [number, number, number, number];
  filter: [number, number];
  strides: [number, number];
  dilations: [number, number];
  pad: Pad;
}

/** A filter that fits into the image. Strides and dilations exclude each other, as in tfjs. */
function geometry(draw: Draw): Geometry {
  const image: Geometry['image'] = [draw.int(1, 3), draw.int(4, 9), draw.int(4, 9), draw.pick([1, 2, 3, 8, 17, 33])];
  const filter: Geometry['filter'] = [draw.int(1, 4), draw.int(1, 4)];
  const dilated = draw.int(0, 3) === 0;
  const strides: Geometry['strides'] = dilated ? [1, 1] : [draw.int(1, 3), draw.int(1, 3)];
  const dilations: Geometry['dilations'] = dilated ? [2, 2] : [1, 1];
  const pad = draw.pick<Pad>(dilated ? ['same'] : ['same', 'valid', 0, 1]);
  return { image, filter, strides, dilations, pad };
}

type Image = tf.Tensor4D;

function conv(draw: Draw, f: (g: Geometry) => (x: Image, w: Image) => tf.Tensor | tf.Tensor[]): Case {
  const g = geometry(draw);
  const inputs = [draw.values(g.image), draw.values([...g.filter, g.image[3], draw.pick([1, 2, 5, 16, 20])])];
  const body = f(g);
  return { inputs, run: (x, w) => body(x as Image, w as Image), tolerance: 1e-4 };
}

/** Gradients of a function of two tensors at a cotangent that is not constant. */
const gradients = (f: (a: Image, b: Image) => tf.Tensor) => (a: Image, b: Image) =>
  tf.grads((x, y) => tf.mul(tf.square(f(x as Image, y as Image)), 0.1))([a, b]);

function pool(draw: Draw, f: (x: Image, g: Geometry) => tf.Tensor): Case {
  const g = geometry(draw);
  const padded = typeof g.pad === 'number' ? 'same' : g.pad;
  return {
    inputs: [draw.values(g.image)],
    run: (x) => f(x as Image, { ...g, pad: padded }),
    tolerance: TOLERANCE,
  };
}

const conv2d =
  ({ strides, pad, dilations }: Geometry) =>
  (x: Image, w: Image) =>
    tf.conv2d(x, w, strides, pad, 'NHWC', dilations, typeof pad === 'number' ? 'floor' : undefined);
const depthwise =
  ({ strides, pad, dilations }: Geometry) =>
  (x: Image, w: Image) =>
    tf.depthwiseConv2d(x, w, strides, pad, 'NHWC', dilations, typeof pad === 'number' ? 'floor' : undefined);

type Resize = (x: Image, size: [number, number], align: boolean, half: boolean) => tf.Tensor;
const resize =
  (f: Resize, gradient: boolean) =>
  (draw: Draw): Case => {
    // one row or column, aligned at the corners, sends the cpu kernel of the nearest gradient into an endless loop
    // and it reads the gradient of later images of a batch from the wrong place
    const least = gradient ? 2 : 1;
    const shape = [gradient ? 1 : draw.int(1, 2), draw.int(least, 7), draw.int(least, 7), draw.int(1, 4)];
    const size: [number, number] = [draw.int(least, 10), draw.int(least, 10)];
    const align = draw.flag();
    const half = !align && !gradient && draw.flag();
    const forward = (x: tf.Tensor): tf.Tensor => f(x as Image, size, align, half);
    // tfjs's cpu kernel swaps height and width of the gradient's shape: square images only
    const own = gradient ? [shape[0], shape[1], shape[1], shape[3]] : shape;
    return {
      inputs: [draw.values(own as number[])],
      run: gradient ? tf.grad((x) => tf.square(forward(x))) : forward,
      tolerance: TOLERANCE,
    };
  };

const EQUATIONS = [
  ...['ij,jk->ik', 'bij,bjk->bik', 'bij,kj->bik', 'ij->ji', 'ij->i', 'ij->', 'i,j->ij', 'bij,bj->bi', 'abc,cd->dab'],
  ...['bhqd,bhkd->bhqk', 'bqhd,bkhd->bhqk', 'bhqk,bkhd->bqhd', 'ij,ij->', 'ij,kl->', 'ijk,lk->j', 'ijk,jl->kl'],
];

/** Einsum by its definition, a broadcast product and a sum: the cpu kernel leaves summed dimensions in some results. */
function contracted(equation: string, tensors: tf.Tensor[]): tf.Tensor {
  const [left, output] = equation.split('->') as [string, string];
  const terms = left.split(',');
  const labels = [...new Set([...output, ...terms.join('')])];
  const spread = terms.map((term, i) => {
    const x = tensors[i] as tf.Tensor;
    const sorted = [...term].sort((p, q) => labels.indexOf(p) - labels.indexOf(q));
    const sizes = labels.map((label) => (term.includes(label) ? (x.shape[term.indexOf(label)] as number) : 1));
    return tf.reshape(
      tf.transpose(
        x,
        sorted.map((label) => term.indexOf(label)),
      ),
      sizes,
    );
  });
  const product = spread.reduce((x, y) => tf.mul(x, y));
  const summed = labels.map((_, i) => i).slice(output.length);
  return summed.length > 0 ? tf.sum(product, summed) : product;
}

export const image: Record<string, (draw: Draw) => Case> = {
  conv2d: (draw) => conv(draw, conv2d),
  'gradients of conv2d': (draw) =>
    conv(draw, (g) => gradients(conv2d({ ...g, dilations: [1, 1], pad: g.pad === 1 ? 'same' : g.pad }))),
  'conv2d, channels first': (draw) =>
    conv(draw, ({ strides, pad }) => (x, w) => {
      const first = tf.transpose(x, [0, 3, 1, 2]) as Image;
      return tf.conv2d(first, w, strides, pad, 'NCHW', 1, typeof pad === 'number' ? 'floor' : undefined);
    }),
  'fused conv2d': (draw) => {
    const activation = draw.pick(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const);
    const one = conv(draw, (g) => (x, w) => {
      const bias = tf.linspace(-1, 1, w.shape[3]);
      const { strides, pad, dilations } = g;
      return tf.fused.conv2d({
        x,
        filter: w,
        strides,
        pad: typeof pad === 'number' ? 'same' : pad,
        dilations,
        bias,
        activation,
        leakyreluAlpha: 0.1,
      });
    });
    return one;
  },
  conv2dTranspose: (draw) => {
    const stride = draw.int(1, 2);
    const [height, width, channels, out] = [draw.int(2, 6), draw.int(2, 6), draw.int(1, 9), draw.int(1, 5)];
    const inputs = [draw.values([2, height, width, channels]), draw.values([3, 3, out, channels])];
    const shape: [number, number, number, number] = [2, height * stride, width * stride, out];
    return {
      inputs,
      run: (x, w) => tf.conv2dTranspose(x as Image, w as Image, shape, stride, 'same'),
      tolerance: TOLERANCE,
    };
  },
  depthwiseConv2d: (draw) => {
    const g = geometry(draw);
    const w = draw.values([...g.filter, g.image[3], draw.int(1, 3)]);
    const f = depthwise(g);
    return { inputs: [draw.values(g.image), w], run: (x, y) => f(x as Image, y as Image), tolerance: TOLERANCE };
  },
  'gradients of depthwiseConv2d': (draw) => {
    const g = { ...geometry(draw), dilations: [1, 1] as [number, number], pad: 'same' as const };
    const w = draw.values([...g.filter, g.image[3], draw.int(1, 3)]);
    const f = gradients(depthwise(g));
    return { inputs: [draw.values(g.image), w], run: (x, y) => f(x as Image, y as Image), tolerance: TOLERANCE };
  },
  maxPool: (draw) => pool(draw, (x, { filter, strides, pad }) => tf.maxPool(x, filter, strides, pad)),
  avgPool: (draw) => pool(draw, (x, { filter, strides, pad }) => tf.avgPool(x, filter, strides, pad)),
  'gradient of maxPool': (draw) =>
    pool(draw, (x, { filter, strides, pad }) =>
      tf.grad((v) => tf.square(tf.maxPool(v as Image, filter, strides, pad)))(x),
    ),
  'gradient of avgPool': (draw) =>
    pool(draw, (x, { filter, strides, pad }) =>
      tf.grad((v) => tf.square(tf.avgPool(v as Image, filter, strides, pad)))(x),
    ),
  batchNorm: (draw) => {
    const channels = draw.int(1, 40);
    const shape = [...draw.shape([0, 3], { min: 1, max: 6 }), channels];
    const inputs = [
      draw.values(shape),
      draw.values([channels]),
      draw.values([channels], { low: 0.1, high: 3 }),
      draw.values([channels]),
      draw.values([channels]),
    ];
    const [offset, scale] = [draw.flag(), draw.flag()];
    return {
      inputs,
      run: (x, m, v, o, s) =>
        tf.batchNorm(
          x as tf.Tensor2D,
          m as tf.Tensor1D,
          v as tf.Tensor1D,
          offset ? (o as tf.Tensor1D) : undefined,
          scale ? (s as tf.Tensor1D) : undefined,
        ),
      tolerance: 1e-5,
    };
  },
  resizeBilinear: resize(tf.image.resizeBilinear, false),
  'gradient of resizeBilinear': resize(tf.image.resizeBilinear, true),
  resizeNearestNeighbor: resize(tf.image.resizeNearestNeighbor, false),
  'gradient of resizeNearestNeighbor': resize(tf.image.resizeNearestNeighbor, true),
  spaceToBatchND: (draw) => {
    const block = [draw.int(1, 3), draw.int(1, 3)] as [number, number];
    const pads = block.map((b): [number, number] => [b * draw.int(0, 1), b * draw.int(0, 1)]);
    const shape = [draw.int(1, 3), block[0] * draw.int(1, 3), block[1] * draw.int(1, 3), draw.int(1, 3)];
    return { inputs: [draw.values(shape)], run: (x) => tf.spaceToBatchND(x, block, pads) };
  },
  batchToSpaceND: (draw) => {
    const block = [draw.int(1, 3), draw.int(1, 3)] as [number, number];
    const shape = [block[0] * block[1] * draw.int(1, 2), draw.int(2, 3), draw.int(2, 3), draw.int(1, 3)];
    const crops = block.map((b) => [draw.int(0, b - 1), draw.int(0, b - 1)]);
    return { inputs: [draw.values(shape)], run: (x) => tf.batchToSpaceND(x, block, crops) };
  },
  depthToSpace: (draw) => {
    const block = draw.int(2, 3);
    const shape = [draw.int(1, 2), draw.int(1, 3), draw.int(1, 3), block * block * draw.int(1, 3)];
    return { inputs: [draw.values(shape)], run: (x) => tf.depthToSpace(x as Image, block, 'NHWC') };
  },
  matMul: (draw) => {
    const [m, n, k] = [draw.int(0, 40), draw.int(0, 40), draw.int(0, 40)];
    const batch = draw.shape([0, 3], { min: 1, max: 3 });
    const [transposeA, transposeB] = [draw.flag(), draw.flag()];
    const a = draw.values([...batch, ...(transposeA ? [k, m] : [m, k])]);
    const b = draw.values([...batch, ...(transposeB ? [n, k] : [k, n])]);
    return { inputs: [a, b], run: (x, y) => tf.matMul(x, y, transposeA, transposeB), tolerance: TOLERANCE };
  },
  einsum: (draw) => {
    const equation = draw.pick(EQUATIONS);
    const sizes = new Map<string, number>();
    for (const letter of 'abcdhijklq') sizes.set(letter, draw.int(1, 7));
    const terms = (equation.split('->')[0] as string).split(',');
    const inputs = terms.map((term) => draw.values([...term].map((letter) => sizes.get(letter) as number)));
    return {
      inputs,
      run: (...tensors) =>
        tf.getBackend() === 'cpu' ? contracted(equation, tensors) : tf.einsum(equation, ...tensors),
      tolerance: TOLERANCE,
    };
  },
};
