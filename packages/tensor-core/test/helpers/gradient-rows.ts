// Every gradient that training may need: what src/gap/gradients.test.ts walks.
import * as tf from '@tensorflow/tfjs-core';

type Fn = (...xs: tf.Tensor[]) => tf.Tensor;
export interface GradientRow {
  name: string;
  f: Fn;
  shapes: number[][];
  /** Values are drawn from this range; default [-1, 1]. */
  range?: [number, number];
}

const int = (values: tf.TensorLike): tf.Tensor => tf.tensor(values, undefined, 'int32');
const t4 = (x: tf.Tensor | undefined): tf.Tensor4D => x as tf.Tensor4D;
const unary = (name: string, f: (x: tf.Tensor) => tf.Tensor, range?: [number, number]): GradientRow => ({
  name,
  f: (x) => f(x as tf.Tensor),
  shapes: [[2, 3]],
  ...(range && { range }),
});
/** Numbers so far from each other that differences never change which is largest. */
const apart = (x: tf.Tensor): tf.Tensor =>
  tf.add(
    tf.mul(x, 0.1),
    tf.tensor(
      Array.from({ length: x.size }, (_, i) => 0.5 * ((i * 23) % x.size)),
      x.shape,
    ),
  );
const binary = (name: string, f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, range?: [number, number]): GradientRow[] =>
  [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3]],
    [
      [2, 1],
      [1, 3],
    ],
  ].map((shapes) => ({ name: `${name} ${JSON.stringify(shapes)}`, f: f as Fn, shapes, ...(range && { range }) }));

/** One row an op, or a shape of it. */
export const gradientRows: GradientRow[] = [
  unary('abs', tf.abs),
  unary('acos', tf.acos, [-0.8, 0.8]),
  unary('acosh', tf.acosh, [1.5, 3]),
  unary('asin', tf.asin, [-0.8, 0.8]),
  unary('asinh', tf.asinh),
  unary('atan', tf.atan),
  unary('atanh', tf.atanh, [-0.8, 0.8]),
  unary('clip', (x) => tf.clipByValue(x, -0.5, 0.5)),
  unary('cos', tf.cos),
  unary('cosh', tf.cosh),
  unary('elu', tf.elu),
  unary('erf', tf.erf),
  unary('exp', tf.exp),
  unary('expm1', tf.expm1),
  unary('floor', tf.floor),
  unary('leakyRelu', tf.leakyRelu),
  unary('log', tf.log, [0.5, 2]),
  unary('log1p', tf.log1p, [0.1, 2]),
  unary('neg', tf.neg),
  unary('reciprocal', tf.reciprocal, [0.5, 2]),
  unary('relu', tf.relu),
  unary('relu6', tf.relu6, [-3, 9]),
  unary('round', tf.round),
  unary('rsqrt', tf.rsqrt, [0.5, 2]),
  unary('selu', tf.selu),
  unary('sigmoid', tf.sigmoid),
  unary('sign', tf.sign),
  unary('sin', tf.sin),
  unary('sinh', tf.sinh),
  unary('softplus', tf.softplus),
  unary('sqrt', tf.sqrt, [0.5, 2]),
  unary('square', tf.square),
  unary('step', tf.step),
  unary('tan', tf.tan),
  unary('tanh', tf.tanh),
  ...binary('add', tf.add),
  ...binary('sub', tf.sub),
  ...binary('mul', tf.mul),
  ...binary('div', tf.div, [0.5, 2]),
  ...binary('pow', tf.pow, [0.5, 2]),
  ...binary('maximum', tf.maximum),
  ...binary('minimum', tf.minimum),
  ...binary('squaredDifference', tf.squaredDifference),
  ...binary('atan2', tf.atan2, [0.5, 2]),

  // ratios between 1.1 and 1.5: differences do not step over a whole number
  ...binary('mod', (a, b) => tf.mod(tf.add(a, 4.2), tf.add(b, 3.2)), [0.5, 1]),
  ...binary('floorDiv', (a, b) => tf.floorDiv(tf.add(a, 4.2), tf.add(b, 3.2)), [0.5, 1]),
  { name: 'prelu', f: (x, a) => tf.prelu(x as tf.Tensor, a as tf.Tensor), shapes: [[2, 3], [3]] },
  {
    name: 'addN',
    f: (...xs) => tf.addN(xs),
    shapes: [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
  },
  {
    name: 'where',
    f: (a, b) => tf.where(tf.greater(a as tf.Tensor, b as tf.Tensor), a as tf.Tensor, b as tf.Tensor),
    shapes: [
      [2, 3],
      [2, 3],
    ],
  },
  unary('sum', (x) => tf.sum(x, 0)),
  unary('mean', (x) => tf.mean(x, 1)),
  ...(
    [
      ['all axes', undefined],
      ['the first axis', 0],
      ['a middle axis', 1],
      ['the last two axes', [1, 2]],
      ['axes that are no neighbours', [0, 2]],
    ] as [string, number | number[] | undefined][]
  ).flatMap(([over, axis]) =>
    Object.entries({ sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min }).flatMap(([name, reduce]) =>
      [false, true].map((keepDims) => ({
        name: `${name} over ${over}${keepDims ? ', kept' : ''}`,
        f: ((x) => reduce(apart(x as tf.Tensor), axis, keepDims)) as Fn,
        shapes: [[2, 3, 2]],
      })),
    ),
  ),
  {
    name: 'extremes of wide rows and columns',
    f: (x) => tf.add(tf.max(apart(x as tf.Tensor), 0), tf.sum(tf.min(apart(x as tf.Tensor), 1))),
    shapes: [[3, 19]],
  },
  unary('max', (x) => tf.max(x, 1)),
  unary('min', (x) => tf.min(x, 0)),
  unary('prod', (x) => tf.prod(x, 1)),
  unary('prod of all', (x) => tf.prod(x)),
  unary('logSumExp', (x) => tf.logSumExp(x, 1)),
  unary('softmax', (x) => tf.softmax(x)),
  unary('logSoftmax', (x) => tf.logSoftmax(x)),
  unary('cumsum', (x) => tf.cumsum(x, 1, true, true)),
  unary('cumsum along the first axis', (x) => tf.cumsum(x, 0, false, true)),
  { name: 'cumsum along the first axis of a square', f: (x) => tf.cumsum(x as tf.Tensor, 0), shapes: [[3, 3]] },
  ...[
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ]
    .flatMap(([exclusive, reverse]) => [
      unary(`cumprod ${exclusive} ${reverse}`, (x) => tf.cumprod(x, 1, exclusive, reverse)),
      unary(`cumprod over a zero ${exclusive} ${reverse}`, (x) =>
        tf.cumprod(
          tf.mul(x, [
            [1, 1, 1],
            [1, 0, 1],
          ]),
          1,
          exclusive,
          reverse,
        ),
      ),
      unary(`cumprod over two zeros ${exclusive} ${reverse}`, (x) =>
        tf.cumprod(tf.add(tf.mul(x, [0, 1]), [0, 0]), 0, exclusive, reverse),
      ),
    ])
    .map((row) => (row.name.includes('two zeros') ? { ...row, shapes: [[3, 2]] } : row)),
  unary('reshape', (x) => tf.reshape(x, [3, 2])),
  unary('transpose', (x) => tf.transpose(x)),
  unary('expandDims', (x) => tf.expandDims(x, 1)),
  unary('tile', (x) => tf.tile(x, [2, 2])),
  unary('broadcastTo', (x) => tf.broadcastTo(x, [2, 2, 3])),
  unary('pad', (x) =>
    tf.pad(x, [
      [1, 0],
      [0, 2],
    ]),
  ),
  unary('mirrorPad', (x) =>
    tf.mirrorPad(
      x,
      [
        [1, 0],
        [0, 1],
      ],
      'reflect',
    ),
  ),
  unary('reverse', (x) => tf.reverse(x, 1)),
  unary('slice', (x) => tf.slice(x, [0, 1], [2, 2])),
  unary('stridedSlice', (x) => tf.stridedSlice(x, [0, 2], [2, -4], [1, -2])),
  unary('cast', (x) => tf.cast(x, 'float32')),
  unary('clone', (x) => tf.clone(x)),
  unary('split', (x) => tf.split(x, 3, 1)[1] as tf.Tensor),
  unary('unstack', (x) => tf.unstack(x, 1)[2] as tf.Tensor),
  unary('zerosLike', (x) => tf.add(x, tf.zerosLike(x))),
  unary('onesLike', (x) => tf.mul(x, tf.onesLike(x))),
  {
    name: 'concat',
    f: (a, b) => tf.concat([a as tf.Tensor, b as tf.Tensor], 1),
    shapes: [
      [2, 3],
      [2, 1],
    ],
  },
  {
    name: 'concat of three along the first axis, one of them twice',
    f: (a, b) => tf.concat([a as tf.Tensor, b as tf.Tensor, a as tf.Tensor], 0),
    shapes: [
      [2, 3],
      [1, 3],
    ],
  },
  {
    name: 'stack',
    f: (a, b) => tf.stack([a as tf.Tensor, b as tf.Tensor], 1),
    shapes: [
      [2, 3],
      [2, 3],
    ],
  },
  unary('gather', (x) => tf.gather(x, int([1, 0, 1]))),
  unary('gather on axis 1', (x) =>
    tf.gather(
      x,
      int([
        [2, 2],
        [0, 1],
      ]),
      1,
    ),
  ),
  { name: 'gather on a middle axis', f: (x) => tf.gather(x as tf.Tensor, int([1, 1, 0]), 1), shapes: [[2, 3, 2]] },
  {
    name: 'gather with two batch dimensions',
    f: (x) =>
      tf.gather(
        x as tf.Tensor,
        int([
          [
            [1, 1],
            [0, 2],
          ],
          [
            [2, 0],
            [1, 1],
          ],
        ]),
        3,
        2,
      ),
    shapes: [[2, 2, 2, 3, 2]],
  },
  unary('gatherND', (x) =>
    tf.gatherND(
      x,
      int([
        [0, 1],
        [1, 2],
        [0, 1],
      ]),
    ),
  ),
  unary('gatherND of rows', (x) => tf.gatherND(x, int([[1], [1]]))),
  { name: 'scatterND', f: (u) => tf.scatterND(int([[1], [0], [1]]), u as tf.Tensor, [3, 2]), shapes: [[3, 2]] },
  {
    name: 'tensorScatterUpdate',
    f: (x, u) => tf.tensorScatterUpdate(x as tf.Tensor, int([[1], [0]]), u as tf.Tensor),
    shapes: [
      [3, 2],
      [2, 2],
    ],
  },
  {
    name: 'unsortedSegmentSum',
    f: (x) => tf.unsortedSegmentSum(x as tf.Tensor2D, int([1, 0, 1]) as tf.Tensor1D, 3),
    shapes: [[3, 2]],
  },
  unary('topk', (x) => tf.topk(x, 2).values),
  unary('oneHot weights', (x) => tf.matMul(tf.oneHot(int([0, 1, 1]), 2) as tf.Tensor2D, x as tf.Tensor2D)),
  ...[
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ].map(([ta, tb]) => ({
    name: `matMul ${ta} ${tb}`,
    f: ((a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor, ta, tb)) as Fn,
    shapes: [
      [2, ...(ta ? [3, 2] : [2, 3])],
      [2, ...(tb ? [4, 3] : [3, 4])],
    ],
  })),
  {
    name: 'matMul with a shared matrix',
    f: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor),
    shapes: [
      [3, 2, 3],
      [3, 4],
    ],
  },
  { name: 'dot', f: (a, b) => tf.dot(a as tf.Tensor, b as tf.Tensor), shapes: [[3], [3]] },
  ...['ij,jk->ik', 'bij,bjk->bik', 'bqhd,bkhd->bhqk', 'ij,j->i', 'ij,ij->', 'i,j->ij', 'ij,kj->k', 'ijk,kl->jli'].map(
    (equation) => {
      const extents: Record<string, number> = { i: 2, j: 3, k: 2, l: 2, b: 2, q: 2, h: 2, d: 3 };
      const terms = (equation.split('->')[0] as string).split(',');
      return {
        name: `einsum ${equation}`,
        f: ((...xs) => tf.einsum(equation, ...xs)) as Fn,
        shapes: terms.map((term) => [...term].map((label) => extents[label] as number)),
      };
    },
  ),
  { name: 'einsum of one operand', f: (x) => tf.einsum('ij->j', x as tf.Tensor), shapes: [[2, 3]] },
  ...(['valid', 'same'] as const).flatMap((pad) =>
    [1, 2].map((stride) => ({
      name: `conv2d ${pad} stride ${stride}`,
      f: ((x, w) => tf.conv2d(t4(x), t4(w), stride, pad)) as Fn,
      shapes: [
        [2, 5, 4, 2],
        [3, 2, 2, 3],
      ],
    })),
  ),
  {
    name: 'conv1d',
    f: (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, 'same'),
    shapes: [
      [2, 5, 2],
      [3, 2, 3],
    ],
  },
  {
    name: 'conv2dTranspose',
    f: (x, w) => tf.conv2dTranspose(t4(x), t4(w), [1, 4, 4, 2], 2, 'same'),
    shapes: [
      [1, 2, 2, 3],
      [2, 2, 2, 3],
    ],
  },
  {
    name: 'depthwiseConv2d',
    f: (x, w) => tf.depthwiseConv2d(t4(x), t4(w), 1, 'same'),
    shapes: [
      [1, 4, 3, 2],
      [2, 2, 2, 2],
    ],
  },
  {
    name: 'conv3d',
    f: (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'valid'),
    shapes: [
      [1, 3, 3, 2, 2],
      [2, 2, 2, 2, 1],
    ],
  },
  { name: 'maxPool', f: (x) => tf.maxPool(t4(x), 2, 1, 'valid'), shapes: [[1, 3, 3, 2]] },
  { name: 'avgPool', f: (x) => tf.avgPool(t4(x), 2, 2, 'same'), shapes: [[1, 3, 3, 2]] },
  { name: 'maxPool3d', f: (x) => tf.maxPool3d(x as tf.Tensor5D, 2, 1, 'valid'), shapes: [[1, 3, 2, 2, 1]] },
  { name: 'avgPool3d', f: (x) => tf.avgPool3d(x as tf.Tensor5D, 2, 1, 'valid'), shapes: [[1, 3, 2, 2, 1]] },
  { name: 'resizeBilinear', f: (x) => tf.image.resizeBilinear(t4(x), [4, 4]), shapes: [[1, 2, 3, 1]] },
  { name: 'resizeNearestNeighbor', f: (x) => tf.image.resizeNearestNeighbor(t4(x), [4, 4]), shapes: [[1, 2, 2, 1]] },
  {
    name: 'batchToSpaceND',
    f: (x) =>
      tf.batchToSpaceND(
        x as tf.Tensor,
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    shapes: [[4, 1, 1, 2]],
  },
  {
    name: 'spaceToBatchND',
    f: (x) =>
      tf.spaceToBatchND(
        x as tf.Tensor,
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    shapes: [[1, 2, 2, 2]],
  },
  { name: 'localResponseNormalization', f: (x) => tf.localResponseNormalization(t4(x), 1), shapes: [[1, 1, 2, 3]] },
  {
    name: 'batchNorm',
    f: (x, m, v, o, s) =>
      tf.batchNorm(x as tf.Tensor, m as tf.Tensor1D, v as tf.Tensor1D, o as tf.Tensor1D, s as tf.Tensor1D),
    shapes: [[2, 3], [3], [3], [3], [3]],
    range: [0.5, 1.5],
  },
];
