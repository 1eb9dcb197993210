// Drop-in: tfjs-layers models train on `native` to the losses that `cpu` gives, every kernel of the loop native.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import * as layers from '@tensorflow/tfjs-layers';
import { hostKernelCounts, resetHostKernelCounts } from '../src/index.ts';
import { testNative } from './native.ts';

tf.enableProdMode();

const seeded = (seed: number): ReturnType<typeof layers.initializers.glorotUniform> =>
  layers.initializers.glorotUniform({ seed });

/** Convolution, batch normalisation, pooling, depthwise convolution, dense. */
function imageModel(): layers.Sequential {
  return layers.sequential({
    layers: [
      layers.layers.conv2d({
        inputShape: [12, 12, 3],
        filters: 8,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: seeded(1),
      }),
      layers.layers.batchNormalization({}),
      layers.layers.maxPooling2d({ poolSize: 2 }),
      layers.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: seeded(2) }),
      layers.layers.conv2d({ filters: 12, kernelSize: 3, strides: 2, activation: 'elu', kernelInitializer: seeded(3) }),
      layers.layers.flatten(),
      layers.layers.dense({ units: 5, activation: 'softmax', kernelInitializer: seeded(4) }),
    ],
  });
}

/** Embedding, LSTM, layer normalisation, dense. */
function textModel(): layers.Sequential {
  return layers.sequential({
    layers: [
      layers.layers.embedding({
        inputDim: 30,
        outputDim: 12,
        inputLength: 9,
        embeddingsInitializer: layers.initializers.randomUniform({ minval: -0.5, maxval: 0.5, seed: 5 }),
      }),
      layers.layers.lstm({ units: 10, kernelInitializer: seeded(6), recurrentInitializer: seeded(7) }),
      layers.layers.layerNormalization({}),
      layers.layers.dense({ units: 16, activation: 'tanh', kernelInitializer: seeded(8) }),
      layers.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: seeded(9) }),
    ],
  });
}

interface Task {
  build: () => layers.Sequential;
  inputs: () => tf.Tensor;
  classes: number;
}

const SAMPLES = 32;
const tasks: Record<string, Task> = {
  'a convolutional model': {
    build: imageModel,
    inputs: () => tf.randomUniform([SAMPLES, 12, 12, 3], -1, 1, 'float32', 10),
    classes: 5,
  },
  'a model of embedding and LSTM': {
    build: textModel,
    inputs: () => tf.floor(tf.randomUniform([SAMPLES, 9], 0, 30, 'float32', 11)),
    classes: 3,
  },
};

async function train(backend: string, { build, inputs, classes }: Task): Promise<number[]> {
  await tf.setBackend(backend);
  const model = build();
  const optimizer = tf.train.adam(0.01);
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const x = tf.tidy(inputs);
  const y = tf.tidy(() => {
    const labels = tf.floor(tf.randomUniform([SAMPLES], 0, classes, 'float32', 12));
    return tf.cast(tf.oneHot(tf.cast(labels, 'int32'), classes), 'float32');
  });
  resetHostKernelCounts();
  const { history } = await model.fit(x, y, { epochs: 6, batchSize: 8, shuffle: false, verbose: 0 });
  model.dispose();
  optimizer.dispose();
  tf.dispose([x, y]);
  return history.loss as number[];
}

for (const [name, task] of Object.entries(tasks))
  testNative(
    `${name} trains to cpu's losses within 1e-4, without a host kernel`,
    async () => {
      const wanted = await train('cpu', task);
      const tensors = tf.memory().numTensors;
      const losses = await train('native', task);
      expect(hostKernelCounts()).toEqual({});
      expect(tf.memory().numTensors).toBe(tensors);
      expect(losses.length).toBe(wanted.length);
      expect(losses.at(-1)).toBeLessThan(losses[0] as number);
      for (const [epoch, loss] of wanted.entries())
        expect(Math.abs((losses[epoch] as number) - loss)).toBeLessThan(1e-4);
    },
    240_000,
  );
