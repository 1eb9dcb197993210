// Commands wait in a queue: nobody may notice.
import * as tf from '@tensorflow/tfjs-core';
import { describeNative } from '../test/native.ts';
import { backend } from './backend.ts';
import { commandWords, flush, isWaiting } from './commands.ts';
import { capture, kernelTimes, setProfiling, synchronize } from './index.ts';
import { blockWeight } from './kernels/blocks.ts';
import { heap } from './memory/heap.ts';

const numbers = (t: tf.Tensor): number[] => [...t.dataSync<'float32'>()];

describeNative('the queue', () => {
  beforeAll(() => tf.setBackend('native'));
  beforeEach(() => flush());

  test('a kernel waits until its result is read', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.add(x, x);
    expect(isWaiting()).toBe(true);
    expect(numbers(y)).toEqual([2, 4, 6]);
    expect(isWaiting()).toBe(false);
    tf.dispose([x, y]);
  });

  test('what the host writes does not overtake a command that reads freed memory', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const one = tf.tensor1d([1, 1, 1]);
    const sums: tf.Tensor[] = [];
    for (let i = 0; i < 40; i++) {
      const fresh = tf.tensor1d([i, i, i]); // memory of the tensor disposed of below must not come here yet
      const sum = tf.add(fresh, one);
      fresh.dispose();
      sums.push(tf.add(sum, x));
      sum.dispose();
    }
    expect(sums.map(numbers)).toEqual(sums.map((_, i) => [i + 2, i + 3, i + 4]));
    tf.dispose([x, one, sums]);
  });

  test('memory that is freed while commands wait goes to later commands, so that a long loop needs no more', () => {
    const x = tf.ones([1000]);
    const step = (): void => tf.square(x).dispose();
    for (let i = 0; i < 200; i++) step();
    const { usedBytes } = heap.report();
    for (let i = 0; i < 1000; i++) step();
    expect(heap.report().usedBytes).toBe(usedBytes);
    x.dispose();
  });

  test('it runs by itself when many commands wait', () => {
    const x = tf.ones([4]);
    let most = 0;
    for (let i = 0; i < 1000; i++) {
      tf.square(x).dispose();
      most = isWaiting() ? most + 1 : 0;
      expect(most).toBeLessThan(300);
    }
    x.dispose();
  });

  test('an error belongs to the call that makes it', () => {
    const table = tf.ones([4, 2]);
    const outside = tf.tensor1d([9], 'int32');
    const before = tf.add(table, 1);
    expect(() => tf.gather(table, outside)).toThrow('the index value 9 is not in [0, 3]');
    expect(numbers(before)).toEqual(Array(8).fill(2)); // what waited has run
    tf.dispose([table, outside, before]);
  });

  test('synchronize and the profile leave nothing waiting', () => {
    const x = tf.ones([4]);
    setProfiling(true);
    const y = tf.square(x);
    expect(kernelTimes().length).toBe(1);
    setProfiling(false);
    tf.square(y).dispose();
    synchronize();
    expect(isWaiting()).toBe(false);
    tf.dispose([x, y]);
  });

  test('operands that are unpacked while a kernel fills its command do not change it', () => {
    const [rows, width] = [4, 32];
    const codes = (n: number, seed: number): Uint8Array =>
      Uint8Array.from({ length: n * width }, (_, i) => (i * seed + 5) % 16);
    const inBlocks = (n: number, seed: number): tf.Tensor2D =>
      tf.engine().makeTensorFromTensorInfo(
        blockWeight({
          ...{ shape: [n, width], bits: 4, group: 32, zero: 8 },
          ...{ codes: codes(n, seed), scales: new Float32Array(n).fill(0.25) },
        }),
        backend,
      ) as tf.Tensor2D;
    const inFloats = (n: number, seed: number): tf.Tensor2D =>
      tf.tensor2d(
        [...codes(n, seed)].map((code) => 0.25 * (code - 8)),
        [n, width],
      );
    // none of the three is read as blocks: each asks for its floats between the command's first word and its last
    const run = (of: typeof inFloats): number[] => {
      const [a, b, bias] = [of(rows, 3), of(width, 7), of(1, 11)];
      const product = (): tf.Tensor =>
        tf.fused.matMul({ a, b, bias: tf.reshape(bias, [width]), activation: 'relu' }) as tf.Tensor;
      return tf.tidy(() => numbers(product()));
    };
    expect(run(inBlocks)).toEqual(run(inFloats));

    // while a step is captured too, which then holds the product alone
    const [a, b] = [inBlocks(rows, 3), inBlocks(width, 7)];
    let out!: tf.Tensor;
    const program = capture(() => {
      out = tf.keep(tf.matMul(a, b));
    });
    expect(program.length).toBe(1);
    const wanted = tf.tidy(() => numbers(tf.matMul(inFloats(rows, 3), inFloats(width, 7))));
    expect(numbers(out)).toEqual(wanted);
    program.replay();
    expect(numbers(out)).toEqual(wanted);
    program.dispose();
    tf.dispose([a, b, out]);
  });

  test('more words than the queue holds run in parts', () => {
    const many = Array.from({ length: 9000 }, () => tf.scalar(1));
    expect(9000).toBeGreaterThan(commandWords.length / 10);
    expect(numbers(tf.addN(many))).toEqual([9000]);
    tf.dispose(many);
  });

  test('two copies of the package, an ES module and a CommonJS one, leave each other’s commands alone', async () => {
    const address = './commands.ts?copy'; // another instance of the file, the same binary
    const copy = (await import(address)) as typeof import('./commands.ts');
    expect(copy.flush).not.toBe(flush);
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.add(x, x);
    const z = tf.tensor1d([0, 0, 0]);
    const target = backend.address(z);
    flush();
    const sum = tf.add(y, y); // waits here
    copy.emit(copy.op('fill'), target, 3, 4, 7, 1); // waits there
    expect(isWaiting() && copy.isWaiting()).toBe(true);
    copy.flush();
    expect(numbers(z)).toEqual([7, 7, 7]);
    expect(numbers(sum)).toEqual([4, 8, 12]);
    tf.dispose([x, y, z, sum]);
  });
});
