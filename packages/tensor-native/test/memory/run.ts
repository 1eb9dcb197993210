// Memory as the system sees it, in a process of its own: one line of JSON.
import * as tf from '@tensorflow/tfjs-core';
import { memoryInfo, releaseFreeMemory } from '../../src/index.ts';

await tf.setBackend('native');
const MIB = 2 ** 20;
const resident = (): number => Math.round(process.memoryUsage.rss() / MIB);

// many tensors, all touched, all freed
const before = resident();
const tensors = Array.from({ length: 40 }, () => tf.ones([MIB]));
const full = resident();
tf.dispose(tensors);
const { usedBytes } = memoryInfo();
const released = Math.round(releaseFreeMemory() / MIB);
const after = resident();
// and the memory is usable again
const sum = tf.tidy(() => tf.sum(tf.ones([MIB])).dataSync()[0]);

// a huge tensor gives its pages back when it is disposed of
const huge = tf.ones([100 * MIB]);
const withHuge = resident();
huge.dispose();
const withoutHuge = resident();

console.log(JSON.stringify({ before, full, usedMib: usedBytes / MIB, released, after, sum, withHuge, withoutHuge }));
