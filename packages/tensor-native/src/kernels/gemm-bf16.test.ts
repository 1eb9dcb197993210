// bf16 products against float64 sums of operands rounded by hand, wherever the machine has them.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { backend } from '../backend.ts';
import { nativeInfo, packWeight, setThreads } from '../index.ts';
import { product } from './gemm.ts';

const hasBf16 = nativeInfo()?.bf16 === true;
if (!hasBf16) console.log('bf16 products are not tested: this machine has neither AVX512-BF16 nor AMX');
const onBf16 = hasBf16 ? test : test.skip;

/** Nearest bf16 of each value, ties to even. */
function rounded(x: Float32Array): Float32Array {
  const bits = new Uint32Array(x.slice().buffer);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i] as number;
    bits[i] = (b + 0x7fff + ((b >>> 16) & 1)) & 0xffff0000;
  }
  return new Float32Array(bits.buffer);
}

const sameBits = (x: Float32Array, y: Float32Array): boolean => Buffer.from(x.buffer).equals(Buffer.from(y.buffer));

/** Values in [-1, 1), fixed by `seed`. */
function values(count: number, seed: number): Float32Array {
  let state = seed >>> 0 || 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** tf.matMul in bf16; the caller disposes nothing: values come back. */
function multiply(a: tf.Tensor2D, b: tf.Tensor2D, ta: boolean, tb: boolean): Float32Array {
  backend.matMulPrecision = 'bf16';
  try {
    return tf.tidy(() => tf.matMul(a, b, ta, tb).dataSync<'float32'>());
  } finally {
    backend.matMulPrecision = 'float32';
  }
}

describe('bf16 products', () => {
  beforeAll(() => tf.setBackend('native'));
  afterEach(() => setThreads(2));

  const size = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(16, 31, 32, 33, 64, 96, 130));
  const depth = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(512, 513, 1100));

  onBf16(
    'round their operands and sum in float32, for any shape and transpose, packed or not',
    () => {
      fc.assert(
        fc.property(
          size,
          size,
          depth,
          fc.boolean(),
          fc.boolean(),
          fc.integer({ min: 1, max: 3 }),
          (m, n, k, ta, tb, t) => {
            setThreads(t);
            const x = values(m * k, m + 3 * k);
            const y = values(k * n, n + 7 * k);
            const a = tf.tensor2d(x, ta ? [k, m] : [m, k]);
            const b = tf.tensor2d(y, tb ? [n, k] : [k, n]);
            const got = multiply(a, b, ta, tb);
            packWeight(b, { transposed: tb, precision: 'bf16' });
            expect(sameBits(multiply(a, b, ta, tb), got)).toBe(true); // a packed weight changes no bit
            const [u, v] = [rounded(x), rounded(y)];
            let worst = 0;
            for (let i = 0; i < m; i++)
              for (let j = 0; j < n; j++) {
                let sum = 0;
                let scale = 0;
                for (let p = 0; p < k; p++) {
                  const term = (u[ta ? p * m + i : i * k + p] as number) * (v[tb ? j * k + p : p * n + j] as number);
                  sum += term;
                  scale += Math.abs(term);
                }
                worst = Math.max(worst, Math.abs((got[i * n + j] as number) - sum) / (scale + 1e-30));
              }
            expect(worst).toBeLessThanOrEqual(2e-6); // a few float32 roundings of the terms' total size
            tf.dispose([a, b]);
          },
        ),
        { numRuns: 25 },
      );
    },
    60_000,
  );

  onBf16('have the same bits in every run', () => {
    const a = tf.tensor2d(values(200 * 600, 1), [200, 600]);
    const b = tf.tensor2d(values(600 * 150, 2), [600, 150]);
    const first = multiply(a, b, false, false);
    for (let run = 0; run < 20; run++) expect(sameBits(multiply(a, b, false, false), first)).toBe(true);
    tf.dispose([a, b]);
  });

  onBf16('end with bias, activation, its input and a residual', () => {
    const [m, k, n] = [37, 40, 35];
    const [x, y, bias, residual] = [values(m * k, 1), values(k * n, 2), values(n, 3), values(m * n, 4)];
    const [u, v] = [rounded(x), rounded(y)];
    const tensors = [
      tf.tensor2d(x, [m, k]),
      tf.tensor2d(y, [k, n]),
      tf.tensor1d(bias),
      tf.tensor2d(residual, [m, n]),
      tf.zeros([m, n]),
      tf.zeros([m, n]),
    ] as const;
    const [a, b, biasAt, residualAt, c, pre] = tensors.map((t) => backend.address(t)) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    backend.matMulPrecision = 'bf16';
    product({ m, n, k, a, b, c, bias: biasAt, activation: 'gelu', pre, residual: residualAt });
    backend.matMulPrecision = 'float32';
    const [got, before] = [tensors[4].dataSync(), tensors[5].dataSync()];
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let z = bias[j] as number;
        for (let p = 0; p < k; p++) z += (u[i * k + p] as number) * (v[p * n + j] as number);
        const gelu = 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3)));
        expect(before[i * n + j]).toBeCloseTo(z, 4);
        expect(got[i * n + j]).toBeCloseTo(gelu + (residual[i * n + j] as number), 4);
      }
    tf.dispose([...tensors]);
  });
});
