// The same TensorFlow.js program on tfjs's own backend and on `native`: nothing of it changes but the backend's name.
import { hostKernelCounts, isNativeAvailable, nativeUnavailableReason } from '@gimbal/tensor-native';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

tf.enableProdMode();

/** A small convolutional network on 8 pictures of 32 × 32: the largest of its outputs. */
function work(): number {
  return tf.tidy(() => {
    const small = (shape: number[]): tf.Tensor => tf.fill(shape, 0.01);
    let x: tf.Tensor4D = tf.reshape(tf.linspace(-1, 1, 8 * 32 * 32 * 3), [8, 32, 32, 3]);
    for (const filter of [small([3, 3, 3, 16]), small([3, 3, 16, 32])] as tf.Tensor4D[])
      x = tf.maxPool(tf.relu(tf.conv2d(x, filter, 1, 'same')), 2, 2, 'same');
    const scores = tf.softmax(tf.matMul(tf.reshape(x, [8, 2048]), tf.cumsum(small([2048, 10]), 1) as tf.Tensor2D));
    return tf.max(scores).dataSync()[0] as number;
  });
}

for (const [name, rounds] of [
  ['cpu', 2],
  ['native', 20],
] as const) {
  if (name === 'native' && !isNativeAvailable()) {
    console.log(`native is not there: ${nativeUnavailableReason()}`);
    continue;
  }
  await tf.setBackend(name);
  const result = work(); // warm
  const started = performance.now();
  for (let i = 0; i < rounds; i += 1) work();
  console.log(`${name}: ${result.toFixed(6)}, ${((performance.now() - started) / rounds).toFixed(1)} ms`);
}
console.log('kernels of the native run that ran in JavaScript:', hostKernelCounts());
