// Small inputs that have broken libraries of this kind, worked out by hand: NaN, infinities, empty tensors, batched
// gathers, high ranks; and the promise that a thread count has one result, to the bit.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setThreads } from '../src/index.ts';
import { testNative as check } from './native.ts';

const { NaN: nan, NEGATIVE_INFINITY: minusInfinity } = Number;
const values = (t: tf.Tensor): number[] => [...t.dataSync()];

beforeAll(async () => {
  tf.enableProdMode();
  if (check !== test.skip) await tf.setBackend('native');
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

check('gather respects batch dimensions', () => {
  const ids = tf.tensor2d([[0], [0], [0], [0]], [4, 1], 'int32');
  expect(tf.gather(tf.tensor2d([[1], [2], [3], [4]]), ids, 1, 1).arraySync()).toEqual([[1], [2], [3], [4]]);
  const x = tf.tensor3d([
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 8],
    ],
  ]);
  const pick = tf.tensor2d([[1], [0]], [2, 1], 'int32');
  expect(tf.gather(x, pick, 1, 1).arraySync()).toEqual([[[3, 4]], [[5, 6]]]);
});

check('an index outside the axis is an error that names it, and leaves nothing behind', () => {
  const tensors = tf.memory().numTensors;
  expect(() => tf.tidy(() => tf.gather(tf.tensor1d([1, 2]), tf.tensor1d([0, 7], 'int32')))).toThrow(
    'GatherV2: the index value 7 is not in [0, 1]',
  );
  expect(tf.memory().numTensors).toBe(tensors);
});

check('what would be read or written beside a tensor is refused, or run as the cpu kernel does', () => {
  const x = tf.range(0, 6);
  expect(values(tf.pad(x, [[-2, 1]]))).toEqual([2, 3, 4, 5, 0]);
  expect(values(tf.slice(x, [-3], [2]))).toEqual([3, 4]);
  const square = tf.reshape(tf.range(0, 9), [3, 3]);
  expect(() => tf.transpose(square, [1, 1])).toThrow('perm must name each axis once');
  const ids = tf.tensor1d([0, 1, 0, 1, 0, 1, 0], 'int32');
  expect(() => tf.unsortedSegmentSum(x, ids, 2)).toThrow('segmentIds of shape [7] name other rows');
  const image = tf.ones([1, 2, 2, 1]) as tf.Tensor4D;
  const filter = tf.ones([5, 5, 1, 1]) as tf.Tensor4D;
  expect(() => tf.conv2d(image, filter, 1, 'valid')).toThrow('windows of 5 by 5 do not fit');
  expect(() => tf.maxPool(image, 5, 1, 'valid')).toThrow('windows of 5 by 5 do not fit');
  const prelu = { x: image, filter, strides: 1, pad: 'same', activation: 'prelu' } as const;
  expect(() => tf.fused.conv2d(prelu)).toThrow();
  const unknown = { a: square as tf.Tensor2D, b: square as tf.Tensor2D, activation: 'swash' as 'relu' };
  expect(() => tf.fused.matMul(unknown)).toThrow('swash');
  const blocks = tf.ones([4, 2, 2, 1]) as tf.Tensor4D;
  const crops = [
    [-1, 0],
    [0, 0],
  ];
  expect(() => tf.batchToSpaceND(blocks, [2, 2], crops)).toThrow('negative begin');
});

check('clip to one value gives that value', () => {
  expect(values(tf.clipByValue(tf.tensor1d([1, 2, 3, 4, 5]), 2, 2))).toEqual([2, 2, 2, 2, 2]);
});

check('NaN stays NaN whichever side it is on', () => {
  expect(values(tf.maximum([nan, 1], [1, nan]))).toEqual([nan, nan]);
  expect(values(tf.minimum([nan, 1], [1, nan]))).toEqual([nan, nan]);
  expect(values(tf.clipByValue([nan, 3], 0, 1))).toEqual([nan, 1]);
  expect(values(tf.relu([nan]))).toEqual([nan]);
  expect(values(tf.max([2, nan, 2]))).toEqual([nan]);
  expect(values(tf.softmax([nan, 1]))).toEqual([nan, nan]);
  // positions pass over NaN
  expect(values(tf.argMax([1, nan, 3]))).toEqual([2]);
  expect(values(tf.argMax([nan, 1, 3]))).toEqual([2]);
});

check('reductions over nothing have one answer', () => {
  const empty = tf.zeros([0, 3]);
  expect(values(tf.sum(empty, 0))).toEqual([0, 0, 0]);
  expect(values(tf.prod(empty, 0))).toEqual([1, 1, 1]);
  expect(values(tf.mean(empty, 0))).toEqual([nan, nan, nan]);
  expect(values(tf.max(empty, 0))).toEqual([nan, nan, nan]);
  expect(values(tf.all(tf.cast(empty, 'bool'), 0))).toEqual([1, 1, 1]);
  expect(values(tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])))).toEqual([0, 0, 0, 0, 0, 0]);
});

check('an impossible class has log-probability -infinity and harms no other', () => {
  expect(values(tf.logSoftmax([minusInfinity, 0]))).toEqual([minusInfinity, 0]);
  expect(values(tf.softmax([minusInfinity, 0]))).toEqual([0, 1]);
});

check('rank 8 works as rank 2 does', () => {
  const shape = [2, 1, 3, 1, 2, 1, 2, 1];
  const x = tf.reshape(tf.range(0, 24), shape);
  expect(values(tf.sum(x, [0, 4]))).toEqual([4 * 7, 4 * 8, 4 * 11, 4 * 12, 4 * 15, 4 * 16]);
  expect(values(tf.transpose(x))).toEqual(values(tf.transpose(tf.reshape(x, [2, 3, 2, 2]))));
  expect(values(tf.add(x, tf.ones([2, 1, 1, 1, 1, 1, 1, 1])))).toEqual(values(tf.add(x, 1)));
});

check('a float beyond int32 casts as JavaScript would store it', () => {
  const numbers = [2 ** 31, -(2 ** 31), 2 ** 32 + 4096, 1e30, nan, minusInfinity, -1.9];
  expect(values(tf.cast(numbers, 'int32'))).toEqual([...Int32Array.from(numbers.map(Math.fround))]);
});

check('results are equal to the bit from run to run, and over thread counts where no sum is divided', () => {
  const image = tf.randomUniform([3, 20, 20, 24], -1, 1, 'float32', 1) as tf.Tensor4D;
  const filter = tf.randomUniform([3, 3, 24, 40], -1, 1, 'float32', 2) as tf.Tensor4D;
  const rows = tf.randomUniform([3000, 200], -1, 1, 'float32', 3);
  const ids = tf.cast(tf.randomUniform([3000], 0, 50, 'float32', 4), 'int32') as tf.Tensor1D;
  const conv = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
  const gradients = tf.grads(conv);
  const run = (): { whole: number[][]; divided: number[][] } => {
    const [dx, dw] = gradients([image, filter], conv(image, filter)) as [tf.Tensor, tf.Tensor];
    const whole = [
      conv(image, filter),
      dx,
      tf.sum(rows),
      tf.sum(rows, 0),
      tf.sum(rows, 1),
      tf.softmax(rows),
      tf.unsortedSegmentSum(rows, ids, 50),
      tf.maxPool(image, 2, 2, 'same'),
    ];
    return { whole: whole.map(values), divided: [values(dw)] };
  };
  const threads = [2, 2, 1, 1].map((count) => {
    setThreads(count);
    return run();
  });
  setThreads(2);
  const [a, b, c, d] = threads as [(typeof threads)[0], (typeof threads)[0], (typeof threads)[0], (typeof threads)[0]];
  expect(b).toEqual(a);
  expect(d).toEqual(c);
  expect(c.whole).toEqual(a.whole);
});
