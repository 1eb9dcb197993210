// Inputs on which tfjs's backends disagree or are wrong: the rows of the case list that concern tensors, on every backend.
import * as tf from '@tensorflow/tfjs-core';
import { availableBackends } from '../../test/helpers/backends.ts';
import { logSumExp, useBackend } from '../index.ts';

type Case = [what: string, compute: () => tf.Tensor | tf.Tensor[], wanted: number[] | number[][]];

const int = (values: tf.TensorLike): tf.Tensor => tf.tensor(values, undefined, 'int32');
const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
const empty = (shape: number[], dtype: 'float32' | 'bool' = 'float32'): tf.Tensor => tf.tensor([], shape, dtype);

const cases: Case[] = [
  [
    'gather, batch of rows with one element',
    () => tf.gather(tf.tensor([[1], [2], [3], [4]]), int([[0], [0], [0], [0]]), 1, 1),
    [1, 2, 3, 4],
  ],
  [
    'gather, batch of matrices',
    () =>
      tf.gather(
        tf.tensor([
          [
            [1, 2],
            [3, 4],
          ],
          [
            [5, 6],
            [7, 8],
          ],
        ]),
        int([[1], [0]]),
        1,
        1,
      ),
    [3, 4, 5, 6],
  ],
  [
    'gradient of gather with a batch',
    () =>
      tf.grad((x) =>
        tf.sum(
          tf.gather(
            x,
            int([
              [2, 0],
              [1, 1],
            ]),
            1,
            1,
          ),
        ),
      )(
        tf.tensor([
          [1, 2, 3],
          [4, 5, 6],
        ]),
      ),
    [1, 0, 1, 0, 2, 0],
  ],
  ['cumulative sum along the last axis', () => tf.cumsum(tf.reshape(tf.range(0, 6), [2, 3]), -1), [0, 1, 3, 3, 7, 12]],
  [
    'cumulative product along the axis before the last',
    () => tf.cumprod(tf.reshape(tf.range(1, 9), [2, 2, 2]), -2, true, true),
    [3, 4, 1, 1, 7, 8, 1, 1],
  ],
  [
    'arg-max among NaN and −∞',
    () =>
      tf.argMax(
        [
          [nan, -inf, nan],
          [nan, -inf, 3],
        ],
        1,
      ),
    [1, 2],
  ],
  ['clip to one value', () => tf.clipByValue([1, 2, 3, 4, 5], 2, 2), [2, 2, 2, 2, 2]],

  ['maximum with NaN on either side', () => tf.maximum([nan, 1, 2], [1, nan, 3]), [nan, nan, 3]],
  ['minimum with NaN on either side', () => tf.minimum([nan, 1, 2], [1, nan, 3]), [nan, nan, 2]],
  [
    'maximum with NaN, broadcast',
    () =>
      tf.maximum(
        [
          [nan, 1],
          [2, 3],
        ],
        [[2], [nan]],
      ),
    [nan, 2, nan, nan],
  ],
  ['maximum of whole numbers', () => tf.maximum(int([1, 5]), int([4])), [4, 5]],
  ['maximum with a single NaN', () => tf.maximum([1, 2], nan), [nan, nan]],
  ['clip of NaN', () => tf.clipByValue([nan, 3], 0, 1), [nan, 1]],
  ['relu of NaN', () => tf.relu([nan, -1, 2]), [nan, 0, 2]],
  ['relu6 of NaN', () => tf.relu6([nan, -1, 9]), [nan, 0, 6]],
  ['max with NaN', () => tf.max([2, nan, 2]), [nan]],
  [
    'max with NaN, rows',
    () =>
      tf.max(
        [
          [1, nan],
          [nan, 1],
          [3, 4],
        ],
        1,
      ),
    [nan, nan, 4],
  ],
  ['min with NaN', () => tf.min([2, nan, 2]), [nan]],
  ['argMax passes over NaN', () => tf.argMax([1, nan, 3]), [2]],
  [
    'argMax passes over a NaN that comes first',
    () =>
      tf.argMax(
        [
          [nan, 1, 3],
          [nan, nan, nan],
          [7, 3, nan],
        ],
        1,
      ),
    [2, 0, 0],
  ],
  [
    'argMin passes over a NaN that comes first',
    () =>
      tf.argMin(
        [
          [nan, nan],
          [5, 3],
          [4, 9],
        ],
        0,
      ),
    [2, 1],
  ],
  ['argMax of equal ones is the first', () => tf.argMax([1, 3, 3]), [1]],
  ['log1p of a small number', () => tf.log1p([1e-8, -1, 0]), [1e-8, -inf, 0]],

  ['sum over no rows', () => tf.sum(empty([0, 3]), 0), [0, 0, 0]],
  ['sum over no columns', () => tf.sum(empty([2, 0]), 1), [0, 0]],
  ['product over nothing', () => tf.prod(empty([0, 3]), 0), [1, 1, 1]],
  ['mean over nothing', () => tf.mean(empty([0, 2]), 0), [nan, nan]],
  ['max over nothing', () => tf.max(empty([0, 2]), 0), [nan, nan]],
  ['min over nothing', () => tf.min(empty([0, 2]), 0), [nan, nan]],
  ['all over nothing', () => tf.all(empty([0, 2], 'bool'), 0), [1, 1]],
  ['any over nothing', () => tf.any(empty([0, 2], 'bool'), 0), [0, 0]],
  ['sum over an axis beside an empty one', () => tf.sum(empty([0, 3]), 1), []],
  [
    'matrix product over an inner size of 0',
    () => tf.matMul(empty([2, 0]) as tf.Tensor2D, empty([0, 3]) as tf.Tensor2D),
    [0, 0, 0, 0, 0, 0],
  ],
  [
    'the same transposed',
    () => tf.matMul(empty([0, 2]) as tf.Tensor2D, empty([3, 0]) as tf.Tensor2D, true, true),
    [0, 0, 0, 0, 0, 0],
  ],
  ['gradient of a sum over nothing', () => tf.grad((x) => tf.sum(x))(empty([0, 3])), []],

  ['logSoftmax of −∞', () => tf.logSoftmax([-inf, 0]), [-inf, 0]],
  ['softmax of −∞', () => tf.softmax([-inf, 0]), [0, 1]],
  ['logSumExp of nothing but −∞', () => logSumExp(tf.tensor([-inf, -inf])), [-inf]],
  [
    'logSumExp of −∞ and a number',
    () =>
      logSumExp(
        tf.tensor([
          [-inf, 0],
          [1, 1],
        ]),
        1,
      ),
    [0, 1 + Math.LN2],
  ],
  ['logSumExp of +∞', () => logSumExp(tf.tensor([inf, 0])), [inf]],
  ['logSumExp of NaN', () => logSumExp(tf.tensor([nan, 0])), [nan]],
  ['logSumExp over nothing', () => logSumExp(empty([2, 0]), 1), [-inf, -inf]],
  [
    'logSumExp of large numbers',
    () => tf.sub(logSumExp(tf.tensor([1000, 1000]), 0, true), 1000),
    [expect.closeTo(Math.LN2, 3)],
  ],
  [
    'gradient of logSumExp',
    () =>
      tf.grad((x) => tf.sum(logSumExp(x, 1)))(
        tf.tensor([
          [-inf, 0],
          [-inf, -inf],
          [1, 1],
        ]),
      ),
    [0, 1, 0, 0, 0.5, 0.5],
  ],
  [
    'cross-entropy by logSoftmax with a masked class that is not the target',
    () => {
      const loss = (x: tf.Tensor): tf.Scalar => tf.neg(tf.sum(tf.gather(tf.logSoftmax(x), int([1]))));
      const logits = tf.tensor([-inf, 0, 0]);
      return [loss(logits), tf.grad(loss)(logits)];
    },
    [[Math.LN2], [0, -0.5, 0.5]],
  ],

  [
    'gradients of equal extremes share',
    () =>
      tf.grad((x) => tf.sum(tf.max(x, 1)))(
        tf.tensor([
          [2, 2],
          [1, 3],
        ]),
      ),
    [0.5, 0.5, 0, 1],
  ],
  [
    'gradient of clip outside and at NaN',
    () => tf.grad((x) => tf.sum(tf.clipByValue(x, 0, 1)))(tf.tensor([-1, 0.5, 2])),
    [0, 1, 0],
  ],
  [
    'gradient of a product with a zero',
    () =>
      tf.grad((x) => tf.sum(tf.prod(x, 1)))(
        tf.tensor([
          [2, 0, 4],
          [2, 3, 4],
        ]),
      ),
    [0, 8, 0, 12, 8, 6],
  ],
  [
    'gradient through a comparison',
    () => tf.grad((x) => tf.sum(tf.where(tf.less(x, 2), tf.mul(x, x), x)))(tf.tensor([1, 3])),
    [2, 1],
  ],
  [
    'gradient through a mask made by arithmetic',
    () => tf.grad((x) => tf.sum(tf.mul(x, tf.cast(tf.greater(x, 0), 'float32'))))(tf.tensor([-1, 3])),
    [0, 1],
  ],
  [
    'gradient through comparisons and logic that broadcast',
    () =>
      tf.grads((a, b) =>
        tf.sum(tf.where(tf.logicalNot(tf.logicalAnd(tf.notEqual(a, b), tf.lessEqual(a, 1))), a, tf.neg(a))),
      )([
        tf.tensor([
          [1, 2],
          [3, 4],
        ]),
        tf.tensor([1, 5]),
      ]),
    [
      [1, 1, 1, 1],
      [0, 0],
    ],
  ],
  ['scatter adds what meets', () => tf.scatterND(int([[1], [1], [0]]), [1, 2, 3], [3]), [3, 3, 0]],
  [
    'segment sum leaves out what is out of range',
    () =>
      tf.unsortedSegmentSum(
        [
          [1, 2],
          [3, 4],
          [5, 6],
          [7, 8],
        ],
        int([0, 2, 0, -1]) as tf.Tensor1D,
        3,
      ),
    [6, 8, 0, 0, 3, 4],
  ],
];

describe.each(await availableBackends('cpu', 'wasm', 'native'))('on %s', (name) => {
  beforeAll(() => useBackend(name));

  test.each(cases)('%s', async (_, compute, wanted) => {
    const out = compute();
    const all = Array.isArray(out) ? out : [out];
    const read = await Promise.all(all.map((t) => t.data<'float32'>()));
    const values = read.map((row) => [...row].map((v) => (Object.is(v, -0) ? 0 : v)));
    const expected = (Array.isArray(out) ? wanted : [wanted]) as number[][];
    expect(values).toEqual(
      expected.map((row) =>
        row.map((v) =>
          Number.isFinite(v) && !Number.isInteger(v) ? expect.closeTo(v, Math.abs(v) < 1e-6 ? 14 : 6) : v,
        ),
      ),
    );
  });

  test('argMax over nothing is a typed error', () => {
    expect(() => tf.argMax(empty([0, 3]), 0)).toThrow('argMax: axis 0 has no elements; got [0,3], wanted at least one');
  });
});
