// A backend that refuses what TensorFlow refuses on a GPU, with its words: the cpu backend's kernels under another name.
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../backend/use-backend.node.ts';
import '../register-gradients.ts';
import { fallBackOnGpu } from './tensorflow-gpu-kernels.ts';

const name = 'refusing';
const refusals: { [kernel: string]: (call: Parameters<tf.KernelFunc>[0]) => string | undefined } = {
  Bincount: ({ inputs }) =>
    (inputs.weights as tf.Tensor).size > 0 ? 'Weights are not yet supported by the GPU implementation' : undefined,
};
for (const kernel of [
  'DepthwiseConv2dNative',
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
])
  refusals[kernel] = ({ attrs }) => {
    const { strides, dilations } = attrs as { strides: number | number[]; dilations?: number | number[] };
    const [down, across] = [strides].flat();
    if (across !== undefined && down !== across) return 'Current implementation only supports equal length strides';
    if ([dilations ?? 1].flat().some((d) => d !== 1)) return 'Current kernel implementation does not support dilations';
    return undefined;
  };
let refused = 0;

beforeAll(async () => {
  await useBackend('cpu');
  const cpu = tf.backend() as tf.KernelBackend & { constructor: new () => tf.KernelBackend };
  tf.registerBackend(name, () => Object.assign(new cpu.constructor(), { isUsingGpuDevice: true }));
  for (const config of tf.getKernelsForBackend('cpu')) {
    const kernelFunc: tf.KernelFunc = (params) => {
      const why = refusals[config.kernelName]?.(params);
      if (why === undefined) return config.kernelFunc(params);
      refused++;
      throw new Error(`Invalid TF_Status: 12\nMessage: ${why}`);
    };
    tf.registerKernel({ ...config, backendName: name, kernelFunc });
  }
});

const image = (): tf.Tensor4D => tf.reshape(tf.range(0, 2 * 7 * 7 * 2), [2, 7, 7, 2]);
const filter = (): tf.Tensor4D => tf.reshape(tf.range(0, 3 * 3 * 2 * 2), [3, 3, 2, 2]);
const calls: { [what: string]: () => tf.Tensor } = {
  'weighted bincount': () => tf.bincount(tf.tensor1d([1, 1, 2, 5], 'int32'), tf.tensor1d([0.5, 1.5, 2, 3]), 4),
  'dilated depthwise convolution': () => tf.depthwiseConv2d(image(), filter(), 1, 'same', 'NHWC', [2, 2]),
  'depthwise convolution with unequal strides': () => tf.depthwiseConv2d(image(), filter(), [1, 2], 'valid'),
  'its gradient by the image': () =>
    tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.depthwiseConv2d(x as tf.Tensor4D, filter(), [1, 2], 'valid'))))(
      image(),
    ),
  'its gradient by the filter': () =>
    tf.grad((f: tf.Tensor) => tf.sum(tf.square(tf.depthwiseConv2d(image(), f as tf.Tensor4D, [1, 2], 'valid'))))(
      filter(),
    ),
};

test.each(Object.entries(calls))('%s is refused without the fallback', async (_, call) => {
  await tf.setBackend(name);
  expect(() => tf.tidy(() => call())).toThrow('Invalid TF_Status: 12');
});

describe('with the fallback', () => {
  beforeAll(() => fallBackOnGpu(name));

  test.each(Object.entries(calls))('%s runs on the cpu backend', async (_, call) => {
    await tf.setBackend('cpu');
    const wanted = await call().data();
    await tf.setBackend(name);
    refused = 0;
    const before = tf.memory().numTensors;
    const got = tf.tidy(() => call().dataSync());
    expect(Array.from(got)).toEqual(Array.from(wanted));
    expect(refused).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('what it can do stays on the device', async () => {
    await tf.setBackend(name);
    const there = tf.backend() as tf.KernelBackend;
    let reads = 0;
    const { readSync } = there;
    there.readSync = (id) => {
      reads++;
      return readSync.call(there, id);
    };
    tf.tidy(() => void tf.depthwiseConv2d(image(), filter(), 1, 'same'));
    expect(reads).toBe(0);
    there.readSync = readSync;
    Object.assign(there, { isUsingGpuDevice: false });
    expect(() => tf.tidy(() => void calls['weighted bincount']?.())).toThrow('Invalid TF_Status: 12');
  });
});
