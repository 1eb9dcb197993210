// TensorFlow.js as it comes, on its own backends, for `gimbal bench small-ops`: the protocol of protocol.py.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
tf.env().set('PROD', true);

const random = (shape, seed) => tf.randomNormal(shape, 0, 1, 'float32', seed);

const cases = {
  add({ size }) {
    const a = random([size], 1);
    const b = random([size], 2);
    return (calls) => {
      for (let i = 0; i < calls; i++) tf.add(a, b).dispose();
    };
  },
  'actor-step'({ observation, hidden, action }) {
    const sizes = [observation, hidden, hidden, action];
    const layers = sizes.slice(1).map((n, i) => ({ weight: random([sizes[i], n], i), bias: tf.zeros([n]) }));
    const seen = Float32Array.from({ length: observation }, (_, i) => Math.sin(i));
    return (calls) => {
      for (let i = 0; i < calls; i++) {
        const out = tf.tidy(() =>
          layers.reduce(
            (x, { weight, bias }) => tf.tanh(tf.add(tf.matMul(x, weight), bias)),
            tf.tensor2d(seen, [1, observation]),
          ),
        );
        out.dataSync();
        out.dispose();
      }
    };
  },
};

const prepared = new Map();
const reply = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
reply({ ready: true, versions: { '@tensorflow/tfjs-core': tf.version_core } });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const request = JSON.parse(line);
    const { backend, ...args } = request.arguments;
    await tf.setBackend(backend);
    const key = JSON.stringify([request.time, request.arguments]);
    if (!prepared.has(key)) prepared.set(key, cases[request.time](args));
    const began = performance.now();
    prepared.get(key)(request.calls ?? 1);
    reply({ seconds: (performance.now() - began) / 1000 });
  } catch (error) {
    reply({ error: error.message });
  }
}
