// Calls of whole numbers and truth values that TensorFlow has no kernel for: their numbers and types are tfjs's cpu backend's.
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
