// Calls that TensorFlow has no kernel for, or answers otherwise (whole numbers, truth values, two types, no elements, many
// axes, padding by numbers): their numbers and types are tfjs's cpu backend's.
import * as tf from '@tensorflow/tfjs-core';
import type { BackendName } from '../../src/backend/backend-info.ts';
import { useBackend } from '../../src/index.ts';

const { GIMBAL_TEST_BACKEND: name } = process.env;
const wanted = name === 'node' || name === 'node-gpu';
if (!wanted) process.stdout.write('skipped: TensorFlow has tests of its own (npm run test:tensorflow)\n');

const whole = (): tf.Tensor2D => tf.tensor2d([-3, -1, 0, 2, 1, 5, 7, -4], [2, 4], 'int32');
const truth = (): tf.Tensor2D => tf.tensor2d([1, 0, 1, 1, 0, 0, 1, 0], [2, 4], 'bool');
const image = (x: tf.Tensor): tf.Tensor3D => tf.reshape(x, [2, 2, 2]);

const elementwise = [tf.acos, tf.acosh, tf.asin, tf.asinh, tf.atan, tf.atanh, tf.sinh, tf.expm1];
const ofTruth = [tf.abs, tf.neg, tf.relu, tf.relu6, tf.sign, tf.round, tf.max, tf.min, tf.cumsum, tf.cumprod];

/** A picture [batch, 7, 6, 2] of small whole numbers, and a filter [height, width, 2, outputs]: their sums are exact. */
const picture = (batch = 1): tf.Tensor4D => whole4([batch, 7, 6, 2]);
const filterOf = (height: number, width: number, outputs: number): tf.Tensor4D => whole4([height, width, 2, outputs]);
function whole4(shape: [number, number, number, number]): tf.Tensor4D {
  const size = shape.reduce((product, extent) => product * extent);
  return tf.tensor4d(
    Array.from({ length: size }, (_, i) => ((i * 7) % 11) - 5),
    shape,
  );
}

type Pad = number | 'same' | 'valid' | [[0, 0], [number, number], [number, number], [0, 0]];
const uneven: Pad = [
  [0, 0],
  [1, 0],
  [0, 2],
  [0, 0],
];
const fused = (pad: Pad, strides: number | [number, number], filter: tf.Tensor4D): tf.Tensor =>
  tf.fused.conv2d({ x: picture(), filter, strides, pad, bias: tf.tensor1d([1, -2]), activation: 'relu' });
const fusedDepthwise = (pad: Pad, strides: number | [number, number], filter: tf.Tensor4D): tf.Tensor =>
  tf.fused.depthwiseConv2d({
    x: picture(),
    filter,
    strides,
    pad: pad as number,
    bias: tf.tensor1d([1, -2]),
    activation: 'relu',
  });
const convolutions = ([0, 1, 2, uneven] as const).flatMap((pad) =>
  ([1, 2, [2, 1]] as (number | [number, number])[]).flatMap((strides): typeof calls => [
    [`fused convolution, padding ${pad}, strides ${strides}`, () => fused(pad as Pad, strides, filterOf(3, 3, 2))],
    [
      `its like by a filter of 3×2, padding ${pad}, strides ${strides}`,
      () => fused(pad as Pad, strides, filterOf(3, 2, 2)),
    ],
    [`depthwise, padding ${pad}, strides ${strides}`, () => fusedDepthwise(pad as Pad, strides, filterOf(3, 3, 1))],
  ]),
);
const without: typeof calls = [
  ['convolution', () => tf.conv2d(picture(0), filterOf(2, 2, 5), 1, 'same')],
  [
    'convolution, its image',
    () => tf.grad((x) => tf.conv2d(x as tf.Tensor4D, filterOf(2, 2, 5), 1, 'same'))(picture(0)),
  ],
  [
    'convolution, its filter',
    () => tf.grad((f) => tf.conv2d(picture(0), f as tf.Tensor4D, 1, 'same'))(filterOf(2, 2, 5)),
  ],
  ['depthwise convolution', () => tf.depthwiseConv2d(picture(0), filterOf(2, 2, 5), 1, 'same')],
  ['padded convolution', () => tf.conv2d(picture(0), filterOf(2, 2, 5), 1, 1)],
  [
    'convolution of one axis',
    () => tf.conv1d(tf.zeros<tf.Rank.R3>([0, 5, 2]), tf.ones<tf.Rank.R3>([2, 2, 3]), 1, 'same'),
  ],
  [
    'convolution of three',
    () => tf.conv3d(tf.zeros<tf.Rank.R5>([0, 3, 3, 3, 2]), tf.ones<tf.Rank.R5>([2, 2, 2, 2, 5]), 1, 'same'),
  ],
];
const hollow: typeof calls = [
  ['image', () => tf.conv2d(picture(), filterOf(8, 2, 5), 1, 'valid')],
  ['image at its stride', () => tf.conv2d(picture(), filterOf(9, 2, 5), 3, 'valid')],
  ['image by its holes', () => tf.conv2d(picture(), filterOf(2, 2, 5), 1, 'valid', 'NHWC', [7, 1])],
  ['image, depthwise', () => tf.depthwiseConv2d(picture(), filterOf(8, 2, 5), 1, 'valid')],
  ['solid', () => tf.conv3d(tf.ones<tf.Rank.R5>([1, 2, 3, 3, 2]), tf.ones<tf.Rank.R5>([3, 2, 2, 2, 5]), 1, 'valid')],
];

const sixAxes = (): tf.Tensor => tf.reshape(tf.range(1, 65), [2, 2, 2, 2, 2, 2]);
const everyOther = (): tf.Tensor => tf.reshape(tf.range(1, 9), [2, 1, 2, 1, 2, 1]);
const ones = (rank: number): number[] => Array<number>(rank).fill(1);
const halves = (rank: number): tf.Tensor => tf.reshape(tf.range(0, 2 ** rank), Array<number>(rank).fill(2));
const binary = [tf.add, tf.sub, tf.mul, tf.div, tf.maximum, tf.minimum, tf.squaredDifference, tf.mod, tf.floorDiv];
const comparing = [tf.equal, tf.notEqual, tf.less, tf.lessEqual, tf.greater, tf.greaterEqual];
const manyAxes: typeof calls = [
  ...[...binary, ...comparing].map((f): (typeof calls)[number] => [
    `${f.name} that broadcasts every other axis of six`,
    () => f(sixAxes(), everyOther()),
  ]),
  ['their gradients', () => tf.grads((a, b) => tf.mul(a as tf.Tensor, b as tf.Tensor))([sixAxes(), everyOther()])],
  ['padding of seven', () => tf.pad(halves(7), Array<[number, number]>(7).fill([1, 0]), 7)],
  ['gradient of a slice of seven', () => tf.grad((x) => tf.slice(x as tf.Tensor, ones(7), ones(7)))(halves(7))],
  ['mirrored padding of six', () => tf.mirrorPad(halves(6), Array<[number, number]>(6).fill([1, 0]), 'reflect')],
  ['arg-max of eight', () => tf.argMax(halves(8), 6)],
  ['elements of eight', () => tf.gatherND(halves(8), tf.tensor2d([ones(8)], undefined, 'int32'))],
  [
    'an element into eight',
    () => tf.scatterND(tf.tensor2d([ones(8)], undefined, 'int32'), tf.tensor1d([3]), halves(8).shape),
  ],
];

const calls: [what: string, call: () => tf.Tensor | tf.Tensor[]][] = [
  ...elementwise.flatMap((f): typeof calls => [
    [`${f.name} of whole numbers`, () => f(whole())],
    [`${f.name} of truth values`, () => f(truth())],
  ]),
  ...ofTruth.map((f): (typeof calls)[number] => [
    `${f.name} of truth values`,
    () => (f as (x: tf.Tensor) => tf.Tensor)(truth()),
  ]),
  ['batch norm of whole numbers', () => tf.batchNorm(whole(), tf.zeros([4]), tf.ones([4]))],
  ['local response normalization of whole numbers', () => tf.localResponseNormalization(image(whole()))],
  ['clip by value of truth values', () => tf.clipByValue(truth(), 0, 1)],
  ['quotient of truth values', () => tf.div(truth(), truth())],
  ['squared difference of truth values', () => tf.squaredDifference(truth(), tf.logicalNot(truth()))],
  ['product of truth values', () => tf.matMul(truth(), truth(), false, true)],
  ['einsum of truth values', () => tf.einsum('ij,kj->ik', truth(), truth())],
  [
    'space to batch of truth values',
    () =>
      tf.spaceToBatchND(
        tf.reshape(truth(), [1, 2, 2, 2]),
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
  ],
  ['resize of truth values', () => tf.image.resizeBilinear(image(truth()), [3, 3])],
  ['max pool of truth values', () => tf.maxPool(image(truth()), 2, 1, 'valid')],
  ['top-k of truth values', () => Object.values(tf.topk(truth(), 2))],
  ['segment sum of truth values', () => tf.unsortedSegmentSum(truth(), tf.tensor1d([1, 0], 'int32'), 2)],
  ['sum of a list of truth values', () => tf.addN([truth(), truth(), tf.logicalNot(truth())])],
  ['cumulative sum of truth values along the last axis', () => tf.cumsum(truth(), -1)],
  ['parametric relu of whole numbers', () => tf.prelu(whole(), tf.tensor2d([[2]], [1, 1], 'int32'))],
  ['choice between two types', () => tf.where(truth(), whole(), tf.mul(whole(), 0.5))],
  ['einsum of two types', () => tf.einsum('ij,kj->ik', whole(), tf.mul(whole(), 0.5))],
  [
    'gradient of a cumulative product of whole numbers',
    () => tf.grad((x) => tf.cast(tf.cumprod(x, 1), 'float32'))(whole()),
  ],
  ['arg-min among NaN and ∞', () => tf.argMin(tf.tensor1d([Number.NaN, Number.POSITIVE_INFINITY, Number.NaN]))],
  ...convolutions,
  ...without.map(([what, call]): (typeof calls)[number] => [`of nothing: ${what}`, call]),
  ...hollow.map(([what, call]): (typeof calls)[number] => [`a window beyond its ${what}`, call]),
  ...manyAxes,
  ['log-sum-exp of truth values', () => tf.logSumExp(tf.cast(truth(), 'float32'))],
  [
    'sparse to dense with indices out of order',
    () => tf.sparseToDense(tf.tensor1d([3, 0, 1], 'int32'), tf.tensor1d([1, 2, 3]), [5], tf.scalar(-1)),
  ],
];

(wanted ? test : test.skip).each(calls)('%s', async (_, call) => {
  const on = async (backend: BackendName): Promise<[dtype: string, shape: number[], values: number[]][]> => {
    await useBackend(backend);
    return tf.tidy(() =>
      [call()].flat().map((x): [string, number[], number[]] => [x.dtype, x.shape, Array.from(x.dataSync())]),
    );
  };
  expect(await on(name as BackendName)).toEqual(await on('cpu'));
});
