// Products against float64 sums, over random shapes, transposes and epilogues.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describeNative } from '../../test/native.ts';
import { ACTIVATION, type NativeActivation } from '../activation.ts';
import { backend } from '../backend.ts';
import { nativeInfo, packWeight, setThreads, unpackWeight } from '../index.ts';
import { product, productBatch } from './gemm.ts';

const size = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 70 }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 3, 4, 8, 16, 48, 49, 96, 128, 130) },
);
const depth = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 70 }) },
  { weight: 1, arbitrary: fc.constantFrom(255, 256, 257, 600) },
);

/** Values in [-1, 1), fixed by `seed`; operands of one product need different seeds, or their sums grow with k. */
function matrix(rows: number, columns: number, seed: number): tf.Tensor2D {
  const values = new Float32Array(rows * columns);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return tf.tensor2d(values, [rows, columns]);
}

/** op(A) op(B) in float64, row-major [m, n]. */
function reference(
  a: tf.Tensor,
  b: tf.Tensor,
  m: number,
  n: number,
  k: number,
  ta: boolean,
  tb: boolean,
): Float64Array {
  const [x, y] = [a.dataSync(), b.dataSync()];
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let p = 0; p < k; p++) {
      const s = x[ta ? p * m + i : i * k + p] as number;
      for (let j = 0; j < n; j++)
        c[i * n + j] = (c[i * n + j] as number) + s * (y[tb ? j * k + p : p * n + j] as number);
    }
  return c;
}

/** Largest difference; a sum of k products in [-1, 1] is off by at most about sqrt(k) roundings of its size. */
function worst(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) worst = Math.max(worst, Math.abs((got[i] as number) - (wanted[i] as number)));
  return worst;
}

const sameBits = (x: Float32Array, y: Float32Array): boolean => Buffer.from(x.buffer).equals(Buffer.from(y.buffer));

const erf = (x: number): number => {
  // series; enough terms for |x| <= 5
  let sum = 0;
  let term = x;
  for (let i = 0; i < 120; i++) {
    sum += term / (2 * i + 1);
    term *= (-x * x) / (i + 1);
  }
  return Math.abs(x) > 5 ? Math.sign(x) : (2 / Math.sqrt(Math.PI)) * sum;
};

const functions: Record<NativeActivation, (x: number, slope: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  leakyrelu: (x, slope) => (x > 0 ? x : slope * x),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  'gelu-erf': (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: (x) => x / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  prelu: (x, slope) => (x > 0 ? x : slope * x),
};

describeNative('matrix products', () => {
  beforeAll(() => tf.setBackend('native'));

  test('equal float64 sums for any shape and transpose, packed or not', () => {
    fc.assert(
      fc.property(size, size, depth, fc.boolean(), fc.boolean(), fc.boolean(), (m, n, k, ta, tb, packed) => {
        const a = ta ? matrix(k, m, m + 7) : matrix(m, k, m + 7);
        const b = tb ? matrix(n, k, n + 1003) : matrix(k, n, n + 1003);
        if (packed) packWeight(b, { transposed: tb });
        const c = tf.matMul(a, b, ta, tb);
        expect(worst(c.dataSync(), reference(a, b, m, n, k, ta, tb))).toBeLessThan(2e-6 * Math.sqrt(k) + 1e-6);
        tf.dispose([a, b, c]);
      }),
      { numRuns: 150 },
    );
  });

  test('equal float64 sums when threads share the work', () => {
    const shapes = [
      [300, 200, 300],
      [40, 900, 300],
      [1100, 40, 290],
      [257, 511, 513],
      // several blocks of columns over the same rows
      [150, 1100, 380],
      [20, 2100, 380],
    ] as const;
    for (const [m, n, k] of shapes)
      for (const [ta, tb] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ] as const) {
        const a = ta ? matrix(k, m, 5) : matrix(m, k, 5);
        const b = tb ? matrix(n, k, 6) : matrix(k, n, 6);
        const c = tf.matMul(a, b, ta, tb);
        expect(worst(c.dataSync(), reference(a, b, m, n, k, ta, tb))).toBeLessThan(5e-5);
        tf.dispose([a, b, c]);
      }
  });

  test('are the same to the bit for 1, 2 and 3 threads, run after run', () => {
    const threads = nativeInfo()?.threads ?? 1;
    const a = matrix(333, 520, 1);
    const b = matrix(520, 410, 2);
    const run = (): Float32Array => tf.tidy(() => tf.matMul(a, b).dataSync<'float32'>());
    const first = run();
    for (const count of [1, 2, 3]) {
      setThreads(count);
      for (let repeat = 0; repeat < 5; repeat++) expect(sameBits(run(), first)).toBe(true);
    }
    setThreads(threads);
    tf.dispose([a, b]);
  });

  test('few rows give the bits of a tall product, with packed weights and for any number of threads', () => {
    const threads = nativeInfo()?.threads ?? 1;
    // widths that end in whole and partial panels and vectors; k of one block, of two, and of odd length
    for (const [k, n] of [
      [256, 256],
      [1024, 48],
      [37, 5],
      [700, 333],
    ] as const) {
      const [tall, b] = [matrix(100, k, 1), matrix(k, n, 2)];
      const wanted = tf.tidy(() => tf.matMul(tall, b).dataSync<'float32'>());
      packWeight(b);
      for (const count of [1, 2, 3]) {
        setThreads(count);
        for (const rows of [9, 16, 31, 32, 48, 64]) {
          const got = tf.tidy(() => tf.matMul(tf.slice(tall, [0, 0], [rows, k]), b).dataSync<'float32'>());
          expect(sameBits(got, wanted.slice(0, rows * n))).toBe(true);
        }
      }
      tf.dispose([tall, b]);
    }
    setThreads(threads);
  });

  test('broadcast batches of any rank', () => {
    const cases: [number[], number[]][] = [
      [
        [3, 4, 5],
        [3, 5, 6],
      ],
      [
        [3, 4, 5],
        [1, 5, 6],
      ],
      [
        [1, 4, 5],
        [3, 5, 6],
      ],
      [
        [2, 1, 4, 5],
        [1, 3, 5, 6],
      ],
      [
        [2, 3, 4, 5],
        [3, 5, 6],
      ],
      [
        [2, 3, 4, 5],
        [2, 1, 5, 6],
      ],
      [
        [4, 5],
        [2, 3, 5, 6],
      ],
    ];
    for (const [shapeA, shapeB] of cases)
      tf.tidy(() => {
        const a = tf.reshape(matrix(1, tf.util.sizeFromShape(shapeA), 1), shapeA);
        const b = tf.reshape(matrix(1, tf.util.sizeFromShape(shapeB), 2), shapeB);
        const c = tf.matMul(a, b);
        // the same by explicit broadcasting
        const batch = c.shape.slice(0, -2);
        const wide = (x: tf.Tensor): tf.Tensor =>
          tf.reshape(tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)]), [-1, ...x.shape.slice(-2)]);
        const [wa, wb] = [tf.unstack(wide(a)), tf.unstack(wide(b))];
        const parts = wa.map((x, i) => reference(x, wb[i] as tf.Tensor, 4, 6, 5, false, false));
        const wanted = parts.flatMap((part) => Array.from(part));
        expect(worst(c.dataSync(), wanted)).toBeLessThan(1e-5);
      });
  });

  test('apply bias, activation, pre-activation, residual and accumulation', () => {
    fc.assert(
      fc.property(
        size,
        size,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(...(Object.keys(ACTIVATION) as NativeActivation[])),
        fc.record({ bias: fc.boolean(), pre: fc.boolean(), residual: fc.boolean(), accumulate: fc.boolean() }),
        fc.constantFrom(1, 0.5),
        (m, n, k, activation, has, alpha) => {
          tf.tidy(() => {
            const [a, b, bias, slopes] = [matrix(m, k, 1), matrix(k, n, 2), matrix(1, n, 3), matrix(1, n, 4)];
            const [c, pre, residual] = [matrix(m, n, 5), matrix(m, n, 6), matrix(m, n, 7)];
            const sums = reference(a, b, m, n, k, false, false);
            const [before, shift, add, slope] = [c, bias, residual, slopes].map((t) => t.dataSync());
            const z = sums.map(
              (s, i) => s * alpha + (has.accumulate ? (before?.[i] ?? 0) : 0) + (has.bias ? (shift?.[i % n] ?? 0) : 0),
            );
            const y = z.map((x, i) => {
              const s = activation === 'prelu' ? (slope?.[i % n] ?? 0) : 0.1;
              return functions[activation](x, s) + (has.residual ? (add?.[i] ?? 0) : 0);
            });
            product({
              m,
              n,
              k,
              a: backend.address(a),
              b: backend.address(b),
              c: backend.address(c),
              alpha,
              activation,
              slope: 0.1,
              accumulate: has.accumulate,
              slopes: backend.address(slopes),
              ...(has.bias && { bias: backend.address(bias) }),
              ...(has.pre && { pre: backend.address(pre) }),
              ...(has.residual && { residual: backend.address(residual) }),
            });
            expect(worst(c.dataSync(), y)).toBeLessThan(2e-5);
            if (has.pre) expect(worst(pre.dataSync(), z)).toBeLessThan(2e-5);
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  test("multiply by an activation's derivative", () => {
    const [m, n, k] = [19, 53, 11];
    for (const activation of Object.keys(ACTIVATION) as NativeActivation[]) {
      if (activation === 'prelu') continue; // its slope's gradient is an op of its own
      tf.tidy(() => {
        const [a, b, c] = [matrix(m, k, 1), matrix(k, n, 2), matrix(m, n, 3)];
        const inputs = Array.from(matrix(m, n, 4).dataSync(), (x) => 3 * x);
        const f = (x: number): number => functions[activation](x, 0.1);
        const keepsInput = ['gelu', 'gelu-erf', 'silu'].includes(activation);
        const saved = tf.tensor2d(keepsInput ? inputs : inputs.map(f), [m, n]);
        product({
          m,
          n,
          k,
          a: backend.address(a),
          b: backend.address(b),
          c: backend.address(c),
          activation,
          slope: 0.1,
          saved: backend.address(saved),
        });
        const h = 1e-4;
        const wanted = reference(a, b, m, n, k, false, false).map(
          (s, i) => (s * (f((inputs[i] as number) + h) - f((inputs[i] as number) - h))) / (2 * h),
        );
        expect(worst(c.dataSync(), wanted)).toBeLessThan(2e-4);
      });
    }
  });

  test('run in batches with shared operands', () => {
    tf.tidy(() => {
      const [count, m, n, k] = [9, 7, 20, 13];
      const [a, b, c] = [matrix(count * m, k, 1), matrix(k, n, 2), matrix(count * m, n, 3)];
      productBatch({
        count,
        strideA: m * k,
        strideB: 0,
        strideC: m * n,
        m,
        n,
        k,
        a: backend.address(a),
        b: backend.address(b),
        c: backend.address(c),
      });
      expect(worst(c.dataSync(), reference(a, b, count * m, n, k, false, false))).toBeLessThan(1e-5);
    });
  });

  test('leave their neighbours alone when rows of C lie apart', () => {
    tf.tidy(() => {
      const [m, n, k, ldc] = [13, 21, 9, 30];
      const [a, b, c] = [matrix(m, k, 1), matrix(k, n, 2), tf.zeros([m, ldc]) as tf.Tensor2D];
      product({ m, n, k, a: backend.address(a), b: backend.address(b), c: backend.address(c), ldc });
      const got = c.dataSync();
      const wanted = reference(a, b, m, n, k, false, false);
      for (let i = 0; i < m; i++) {
        expect(worst(got.slice(i * ldc, i * ldc + n), wanted.slice(i * n, i * n + n))).toBeLessThan(1e-5);
        expect(got.slice(i * ldc + n, (i + 1) * ldc).every((x) => x === 0)).toBe(true);
      }
    });
  });

  test('fused: bias of any broadcastable shape and every activation of tfjs', () => {
    const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;
    for (const activation of activations)
      for (const biasShape of [[6], [1], [4, 6], [4, 1]])
        tf.tidy(() => {
          const [a, b] = [matrix(4, 5, 1), matrix(5, 6, 2)];
          const bias = tf.reshape(matrix(1, tf.util.sizeFromShape(biasShape), 3), biasShape);
          const weights = tf.fill([6], 0.3);
          const y = tf.fused.matMul({
            a,
            b,
            bias,
            activation,
            leakyreluAlpha: 0.2,
            ...(activation === 'prelu' && { preluActivationWeights: weights }),
          });
          const z = tf.add(tf.matMul(a, b), bias).dataSync();
          const slope = activation === 'prelu' ? 0.3 : 0.2;
          expect(
            worst(
              y.dataSync(),
              Array.from(z, (x) => functions[activation](x, slope)),
            ),
          ).toBeLessThan(1e-5);
        });
  });

  test('a packed copy is dropped when the weight is overwritten, and can be refreshed', () => {
    tf.tidy(() => {
      const [a, b] = [matrix(20, 30, 1), matrix(30, 50, 2)];
      packWeight(b);
      const other = matrix(30, 50, 3);
      backend.overwrite(b, other.dataSync());
      const wanted = tf.matMul(a, other).dataSync();
      expect(tf.matMul(a, b).dataSync()).toEqual(wanted);
      packWeight(b);
      expect(tf.matMul(a, b).dataSync()).toEqual(wanted);
      unpackWeight(b);
      expect(tf.matMul(a, b).dataSync()).toEqual(wanted);
    });
  });

  test('k = 0 gives zeros', () => {
    const c = tf.matMul(tf.zeros([3, 0]), tf.zeros([0, 4]));
    expect(Array.from(c.dataSync())).toEqual(new Array(12).fill(0));
    c.dispose();
  });
});
