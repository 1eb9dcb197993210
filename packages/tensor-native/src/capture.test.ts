import * as tf from '@tensorflow/tfjs-core';
import { describeNative } from '../test/native.ts';
import { backend } from './backend.ts';
import { capture, hostKernelCounts, memoryInfo, type Program, packWeight } from './index.ts';
import { blockWeight } from './kernels/blocks.ts';
import { hostKernel } from './kernels/host.ts';

/** y = relu(x W) + 1 summed, kept in `out`. */
function network(x: tf.Tensor, w: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.keep(tf.add(tf.relu(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)), tf.tensor1d([1, 2, 3]))));
}

describeNative('capture', () => {
  beforeAll(() => tf.setBackend('native'));

  test('replays a step on new inputs, bit for bit as it would run', () => {
    const x = tf.tensor2d([1, -2, 3, 4], [2, 2]);
    const w = tf.tensor2d([1, 0, 2, -1, 1, 1], [2, 3]);
    let out!: tf.Tensor;
    const program = capture(() => {
      out = network(x, w);
    });
    expect(program.length).toBeGreaterThanOrEqual(3);
    for (let i = 0; i < 5; i++) {
      const values = [i, i + 0.5, -i, 2 * i];
      backend.overwrite(x, values);
      program.replay();
      const wanted = network(tf.tensor2d(values, [2, 2]), w);
      expect(out.dataSync()).toEqual(wanted.dataSync());
      wanted.dispose();
    }
    program.dispose();
    tf.dispose([x, w, out]);
  });

  test('keeps everything it touches from being reused, even what is disposed of afterwards', () => {
    const x = tf.randomUniform([64, 64]);
    const w = tf.randomUniform([64, 3]);
    const copyOfX = x.dataSync();
    let out!: tf.Tensor;
    const program = capture(() => {
      out = network(x, w);
    });
    const wanted = out.dataSync();
    tf.dispose([x, w]);
    // memory of the same sizes, overwritten
    const others = Array.from({ length: 20 }, () => [tf.fill([64, 64], 9), tf.fill([64, 3], 9), tf.fill([3], 9)]);
    program.replay();
    expect(out.dataSync()).toEqual(wanted);
    expect(copyOfX.length).toBe(4096);
    expect(others.flat().every((t) => t.dataSync().every((v) => v === 9))).toBe(true);
    program.dispose();
    tf.dispose([out, others]);
  });

  test('gives its memory back when it is disposed of', () => {
    const step = (): void => {
      const x = tf.ones([100, 100]);
      let out!: tf.Tensor;
      const program = capture(() => {
        out = tf.tidy(() => tf.keep(tf.add(tf.mul(x, x), tf.ones([100, 100]))));
      });
      program.replay();
      program.dispose();
      program.dispose(); // twice is safe
      tf.dispose([x, out]);
    };
    step();
    const { liveBytes, usedBytes } = memoryInfo();
    for (let i = 0; i < 20; i++) step();
    expect(memoryInfo()).toMatchObject({ liveBytes, usedBytes });
  });

  test('two programs may share their inputs', () => {
    const x = tf.ones([1000]);
    const outs: tf.Tensor[] = [];
    const programs: Program[] = [1, 2].map((scale) => capture(() => outs.push(tf.keep(tf.mul(x, tf.scalar(scale))))));
    x.dispose();
    programs[0]?.dispose();
    const other = tf.fill([1000], 7);
    programs[1]?.replay();
    expect(outs[1]?.dataSync()[999]).toBe(2);
    programs[1]?.dispose();
    tf.dispose([outs, other]);
  });

  test('uses packed weights, which stay while the program lives', () => {
    const x = tf.randomUniform([8, 32]);
    const w = tf.randomUniform([32, 40]);
    packWeight(w);
    let out!: tf.Tensor;
    const program = capture(() => {
      out = tf.keep(tf.matMul(x, w));
    });
    const wanted = out.dataSync();
    w.dispose();
    const other = tf.fill([48, 32], 3);
    program.replay();
    expect(out.dataSync()).toEqual(wanted);
    program.dispose();
    tf.dispose([x, out, other]);
  });

  test('replays products of few rows, each of which looks ahead to the next one', () => {
    const x: tf.Tensor = tf.randomUniform([32, 96]);
    const weights = [tf.randomUniform([96, 300], -1, 1), tf.randomUniform([300, 96], -1, 1)] as tf.Tensor2D[];
    for (const weight of weights) packWeight(weight);
    const run = (): tf.Tensor =>
      tf.tidy(() => {
        let y: tf.Tensor = x;
        for (let i = 0; i < 4; i++) y = tf.relu(tf.matMul(y as tf.Tensor2D, weights[i % 2] as tf.Tensor2D));
        return tf.keep(y);
      });
    const wanted = run();
    let out!: tf.Tensor;
    const program = capture(() => {
      out = run();
    });
    for (let i = 0; i < 3; i++) {
      program.replay();
      expect(out.dataSync()).toEqual(wanted.dataSync());
    }
    program.dispose();
    tf.dispose([x, wanted, out, ...weights]);
  });

  test('does not unpack blocks again: what was written in place stays', () => {
    const [codes, scales] = [new Uint8Array(32).fill(3), Float32Array.of(0.5)];
    const blocks = blockWeight({ shape: [1, 32], bits: 4, group: 32, codes, zero: 0, scales });
    const w = tf.engine().makeTensorFromTensorInfo(blocks, backend);
    let out!: tf.Tensor;
    const program = capture(() => {
      out = tf.keep(tf.mul(w, w));
    });
    expect(program.length).toBe(1);
    expect(out.dataSync()[31]).toBe(2.25);
    backend.overwrite(w, new Float32Array(32).fill(4));
    const others = Array.from({ length: 20 }, () => tf.fill([32], 9)); // where the blocks were
    program.replay();
    expect(out.dataSync()[31]).toBe(16);
    expect(w.dataSync()[31]).toBe(4);
    program.dispose();
    tf.dispose([w, out, others]);
  });

  test('refuses a kernel that runs on the host, and captures nothing', () => {
    const before = hostKernelCounts();
    const host = hostKernel('Add');
    const x = tf.ones([4]);
    expect(() => capture(() => void host({ inputs: { a: x, b: x }, attrs: {}, backend }))).toThrow(/'Add'/);
    expect(hostKernelCounts()).toEqual(before);
    // and the next capture works
    let out!: tf.Tensor;
    const program = capture(() => {
      out = tf.keep(tf.add(x, x));
    });
    expect(out.dataSync()[0]).toBe(2);
    program.dispose();
    expect(() => program.replay()).toThrow('disposed');
    tf.dispose([x, out]);
  });

  test('does not nest', () => {
    expect(() => capture(() => void capture(() => undefined))).toThrow('already capturing');
  });
});
