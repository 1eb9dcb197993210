// What the op table does not ask: invariances, gradients of gradients, equal bits from run to run, memory, and that on
// `native` no step of a training loop falls back to JavaScript.

import {
  abs,
  add,
  concat,
  grad,
  grads,
  keep,
  max,
  memory,
  mul,
  reshape,
  type Scalar,
  scalar,
  slice,
  sub,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
  valueAndGrads,
  variable,
  variableGrads,
  zeros,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { availableBackends } from '../../test/helpers/backends.ts';
import { useBackend } from '../backend/use-backend.node.ts';
import { rng } from '../random/rng.ts';
import * as ops from './index.ts';

const backends = await availableBackends('cpu', 'wasm', 'native');
const random = rng(7);
const normal = (...shape: number[]): Tensor => random.normalTensor(shape);
const largest = (a: Tensor, b: Tensor): number => tidy(() => max(abs(sub(a, b))).dataSync()[0] as number);

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('gradients of gradients are recorded through the composition', () => {
    // f″ by central differences of f′. TensorFlow.js itself loses second derivatives of ops that save their output
    // (tanh, exp, sigmoid), so these are not among them
    tidy(() => {
      const [scale, offset, w] = [normal(4), normal(4), normal(4, 4)];
      const f = (x: Tensor): Tensor => {
        const h = ops.rmsNorm(ops.layerNorm(x, scale, offset), scale);
        return sum(mul(ops.linear(h, w, { activation: 'relu' }), x));
      };
      const x = normal(2, 4);
      const second = grad((y) => sum(grad(f)(y)))(x);
      const h = 1e-2;
      const ones = mul(sub(sum(grad(f)(add(x, h))), sum(grad(f)(sub(x, h)))), 1 / (2 * h));
      expect(largest(sum(second), ones)).toBeLessThan(2e-2 * Math.max(1, Math.abs(ones.dataSync()[0] as number)));
    });
  });

  test('a NaN in either logits reaches every divergence', () => {
    const kinds = [
      { kind: 'fkl' },
      { kind: 'rkl' },
      { kind: 'tvd' },
      ...(['jsd', 'skew-fkl', 'skew-rkl'] as const).flatMap((kind) => [0.1, 0.9].map((mix) => ({ kind, mix }))),
    ] as ops.DivergenceOptions[];
    for (const o of kinds)
      for (const place of [0, 1])
        tidy(() => {
          const pair = [tensor2d([[1, 2, 3]]), tensor2d([[3, 2, 1]])];
          pair[place] = tensor2d([[1, Number.NaN, 3]]);
          const value = ops.divergence(pair[0] as Tensor, pair[1] as Tensor, o).dataSync()[0];
          expect([o, place, value]).toEqual([o, place, Number.NaN]);
        });
  });

  test('no rows, no queries and no keys give no numbers or zeros, with gradients', () => {
    tidy(() => {
      const shapes = (f: (...xs: Tensor[]) => Tensor, ...xs: Tensor[]): number[][] =>
        [f(...xs), ...grads((...ys) => sum(f(...ys)))(xs)].map((t) => {
          t.dataSync();
          return t.shape;
        });
      const attend = (...xs: Tensor[]): Tensor =>
        ops.attention(xs[0] as Tensor, xs[1] as Tensor, xs[2] as Tensor, { heads: 2 });
      const none = zeros([2, 0, 8]);
      expect(shapes(attend, none, normal(2, 3, 8), normal(2, 3, 8))).toEqual([
        [2, 0, 8],
        [2, 0, 8],
        [2, 3, 8],
        [2, 3, 8],
      ]);
      expect(shapes((x) => ops.rotary(x as Tensor, { heads: 2 }), zeros([0, 3, 8]))).toEqual([
        [0, 3, 8],
        [0, 3, 8],
      ]);
      if (backend !== 'native') return; // the largest of no scores is another backend's NaN
      const blind = attend(normal(2, 3, 8), none, none);
      expect([...blind.dataSync()]).toEqual(Array.from({ length: 48 }, () => 0));
    });
  });

  test('variableGrads finds the gradients of a network of fused ops', () => {
    const w = variable(normal(4, 3));
    const b = variable(zeros([3]));
    const x = normal(5, 4);
    const targets = tensor1d([0, 1, 2, 0, 1], 'int32');
    const before = memory().numTensors;
    const { value, grads: found } = variableGrads(
      () => ops.crossEntropy(ops.linear(x, w, { bias: b }), targets) as Scalar,
      [w, b],
    );
    expect(Object.keys(found).sort()).toEqual([w.name, b.name].sort());
    // rows of softmax minus onehot sum to 0 over classes
    expect(Math.abs(sum(found[b.name] as Tensor).dataSync()[0] as number)).toBeLessThan(1e-6);
    value.dispose();
    for (const g of Object.values(found)) g.dispose();
    expect(memory().numTensors).toBe(before + 1); // the sum of the expectation
    w.dispose();
    b.dispose();
  });

  test('padding changes nothing that is not padding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 9 }), fc.boolean(), (n, pad, left) => {
        tidy(() => {
          const qkv = normal(1, n, 24);
          const alone = ops.attention(qkv, { heads: 2, causal: true });
          const parts = [qkv, normal(1, pad, 24)];
          const padded = ops.attention(concat(left ? parts.reverse() : parts, 1), {
            heads: 2,
            causal: true,
            ...(left ? { starts: tensor1d([pad], 'int32') } : { lengths: tensor1d([n], 'int32') }),
          });
          expect(largest(slice(padded, [0, left ? pad : 0, 0], [1, n, -1]), alone)).toBeLessThan(1e-5);
        });
      }),
      { numRuns: 15 },
    );
  });

  test('a window as long as the context is no window', () => {
    tidy(() => {
      const qkv = normal(2, 9, 24);
      const plain = ops.attention(qkv, { heads: 2, causal: true });
      expect(largest(ops.attention(qkv, { heads: 2, causal: true, window: 9 }), plain)).toBe(0);
    });
  });

  test('cross-entropy does not change when all logits of a row move together', () => {
    tidy(() => {
      const logits = normal(6, 9);
      const targets = tensor1d([0, 1, 2, 3, 4, 8], 'int32');
      const moved = ops.crossEntropy(add(logits, 50), targets);
      expect(largest(moved, ops.crossEntropy(logits, targets))).toBeLessThan(2e-5);
    });
  });

  test('a masked class has gradient 0 and the loss stays finite', () => {
    tidy(() => {
      const logits = tensor2d([[Number.NEGATIVE_INFINITY, 0, 1]]);
      const targets = tensor1d([1], 'int32');
      const g = grad((x: Tensor) => ops.crossEntropy(x, targets))(logits).dataSync();
      expect(ops.crossEntropy(logits, targets).dataSync()[0]).toBeCloseTo(Math.log(1 + Math.E), 5);
      expect(g[0]).toBe(0);
      expect(g[1]).toBeCloseTo(-Math.E / (1 + Math.E), 5);
    });
  });

  test('a target outside the classes gives NaN, not a number', () => {
    tidy(() => {
      expect(ops.crossEntropy(normal(2, 3), tensor1d([1, 3], 'int32')).dataSync()[0]).toBeNaN();
    });
  });

  test("Adam's first updates are corrected for their bias to the last digit of float32", () => {
    tidy(() => {
      const parameter = variable(tensor1d([0, 0, 0]));
      const [m, v, step] = [variable(zeros([3])), variable(zeros([3])), variable(scalar(0))];
      // a constant gradient: both moments over their corrections are g and g², so each update is −lr · sign g
      for (let t = 1; t <= 3; t++) {
        const options = { learningRate: 1, step, epsilon: 0 };
        ops.adamWTree([{ parameter, gradient: tensor1d([1, -3, 0.25]), m, v }], options);
        const moved = [...parameter.dataSync()].map((p, i) => p / ([-t, t, -t][i] as number) - 1);
        for (const error of moved) expect(Math.abs(error)).toBeLessThan(5e-7);
      }
      expect(step.dataSync()[0]).toBe(3);
      for (const x of [parameter, m, v, step]) x.dispose();
    });
  });

  test('an update leaves alone what shares storage with its parameter', () => {
    tidy(() => {
      const original = tensor1d([1, 2, 3]);
      const parameter = variable(original);
      const alias = parameter.clone();
      const [m, v, step] = [variable(zeros([3])), variable(zeros([3])), variable(scalar(0))];
      const before = memory().numTensors;
      ops.adamWTree([{ parameter, gradient: tensor1d([1, 1, 1]), m, v }], { learningRate: 0.5, step });
      expect(memory().numTensors).toBe(before + 1); // the gradient
      expect(Array.from(original.dataSync())).toEqual([1, 2, 3]);
      expect(Array.from(alias.dataSync())).toEqual([1, 2, 3]);
      // the first step of Adam moves by the learning rate
      expect(largest(parameter, tensor1d([0.5, 1.5, 2.5]))).toBeLessThan(1e-5);
      for (const t of [parameter, m, v, step]) t.dispose();
    });
  });

  test('dropout draws the same mask from the same seed', () => {
    tidy(() => {
      const x = normal(50);
      const [a, b] = [ops.dropout(x, 0.5, rng(3)), ops.dropout(x, 0.5, rng(3))];
      expect(largest(a, b)).toBe(0);
      expect(largest(a, x)).toBeGreaterThan(0);
    });
  });

  test('a step of a transformer gives the same bits twice, leaks nothing and runs no host kernel', async () => {
    const { step, dispose } = transformer();
    const first = step();
    const count = memory().numTensors;
    const hosts = backend === 'native' ? await import('@gimbal/tensor-native') : undefined;
    hosts?.resetHostKernelCounts();
    const used = hosts?.memoryInfo()?.usedBytes;
    for (let i = 0; i < 3; i++) expect(step()).toEqual(first);
    expect(memory().numTensors).toBe(count);
    // once warm, every block comes from the pool
    expect(hosts?.memoryInfo()?.usedBytes).toBe(used);
    expect(hosts?.hostKernelCounts() ?? {}).toEqual({});
    dispose();
  });
});

/** One block of each kind on fixed inputs; a step gives loss and all gradients. */
function transformer(): { step: () => number[][]; dispose: () => void } {
  const [time, d, vocabulary] = [70, 32, 50];
  const int = (n: number): Tensor =>
    tensor1d(
      Array.from({ length: n }, (_, i) => (i * 7) % vocabulary),
      'int32',
    );
  const params = [
    normal(vocabulary, d),
    normal(time, d),
    tensor1d(new Array(d).fill(1)),
    tensor1d(new Array(d).fill(0)),
    normal(d, 3 * d),
    normal(d, d),
    normal(d, 4 * d),
    normal(4 * d, d),
    normal(2 * d, d),
    normal(2 * d, d),
    normal(d, 2 * d),
  ].map((p) => keep(mul(p, 0.3)));
  const ids = keep(reshape(int(time), [1, time]));
  const loss = (...p: Tensor[]): Tensor => {
    const [table, positions, scale, offset, qkv, out, up, down, gate, up2, down2] = p as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    let x = ops.embedding(ids, table, { positions });
    const projected = ops.linear(ops.layerNorm(x, scale, offset), qkv);
    x = ops.linear(ops.attention(projected, { heads: 4, causal: true }), out, { residual: x });
    x = ops.mlp(ops.rmsNorm(x, scale), [{ weight: up }, { weight: down }], { activation: 'gelu', residual: x });
    const layers = { gate, up: up2, down: down2 };
    x = ops.gatedMlp(ops.rotary(x, { heads: 4 }), layers, { residual: x, weightLayout: 'out-in' });
    return ops.crossEntropy(ops.linear(x, table, { weightLayout: 'out-in' }), ids);
  };
  return {
    step: () =>
      tidy(() => {
        const { value, grads: all } = valueAndGrads(loss)(params);
        return [value, ...all].map((t) => Array.from(t.dataSync()));
      }),
    dispose: () => {
      for (const p of [...params, ids]) p.dispose();
    },
  };
}

test('grads of one input alone equal those of all', async () => {
  await useBackend(backends.at(-1) as (typeof backends)[number]);
  tidy(() => {
    const [x, w1, w2] = [normal(5, 4), normal(4, 6), normal(6, 3)] as const;
    const f = (a: Tensor, b: Tensor, c: Tensor): Tensor =>
      sum(ops.mlp(a, [{ weight: b }, { weight: c }], { activation: 'tanh' }));
    const all = grads(f)([x, w1, w2]);
    expect(largest(all[0] as Tensor, grad((a) => f(a, w1, w2))(x))).toBe(0);
    expect(largest(all[1] as Tensor, grad((b) => f(x, b, w2))(w1))).toBe(0);
    expect(largest(all[2] as Tensor, grad((c) => f(x, w1, c))(w2))).toBe(0);
  });
});

describe('what is no tensor, or no longer one', () => {
  const gone = tensor1d([1, 2]);
  gone.dispose();
  const bads: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['an array', [[1, 2]]],
    ['a number', 3],
    ['disposed', gone],
  ];
  const [x, w, v] = [
    tensor2d([[1, 2]]),
    tensor2d([
      [1, 2],
      [3, 4],
    ]),
    tensor1d([1, 2]),
  ];
  const ids = tensor1d([0], 'int32');
  const bad = (f: (b: never) => unknown): ((b: unknown) => unknown) => f as (b: unknown) => unknown;
  const calls: { [name: string]: (b: unknown) => unknown } = {
    'linear x': bad((b) => ops.linear(b, w)),
    'linear weight': bad((b) => ops.linear(x, b)),
    'mlp weight': bad((b) => ops.mlp(x, [{ weight: w }, { weight: b }])),
    activate: bad((b) => ops.gelu(b)),
    'swiglu up': bad((b) => ops.swiglu(x, b)),
    'crossEntropy logits': bad((b) => ops.crossEntropy(b, ids)),
    'crossEntropy targets': bad((b) => ops.crossEntropy(x, b)),
    'tokenLogProbs ids': bad((b) => ops.tokenLogProbs(x, b)),
    'linearCrossEntropy head': bad((b) => ops.linearCrossEntropy(x, b, ids)),
    'embedding ids': bad((b) => ops.embedding(b, w)),
    'embedding table': bad((b) => ops.embedding(ids, b)),
    'attention qkv': bad((b) => ops.attention(b, { heads: 1 })),
    'gatedMlp up': bad((b) => ops.gatedMlp(x, { gate: w, up: b, down: w })),
    'layerNorm x': bad((b) => ops.layerNorm(b, v, v)),
    'layerNorm scale': bad((b) => ops.layerNorm(x, b, v)),
    'rmsNorm scale': bad((b) => ops.rmsNorm(x, b)),
    'rotary x': bad((b) => ops.rotary(b, { heads: 1 })),
    'sampleTokens logits': bad((b) => ops.sampleTokens(b, v)),
    'sampleTokens uniform': bad((b) => ops.sampleTokens(x, b)),
    'squashedGaussian noise': bad((b) => ops.squashedGaussian(x, b)),
    'dropout x': bad((b) => ops.dropout(b, 0.5, rng(0))),
    'globalNorm tensor': bad((b) => ops.globalNorm([b])),
  };
  it.each(Object.entries(calls))('%s: a typed error that names it', (_, call) => {
    for (const [what, value] of bads) {
      const error = (() => {
        try {
          call(value);
        } catch (e) {
          return e as { code?: string; message: string };
        }
        return undefined;
      })();
      expect([what, error?.code, error?.message]).toEqual([
        what,
        'ERR_SHAPE',
        expect.stringMatching(what === 'disposed' ? /was disposed before this call/ : /is no tensor/),
      ]);
    }
  });

  it('options that are not there', () => {
    expect(() => ops.attention(tensor2d([[1]]), undefined as never)).toThrow('attention: there are no options');
    expect(() => ops.dropout(v, 0.5, undefined as never)).toThrow('dropout: there is no stream to draw from');
    expect(() => ops.globalNorm({} as never)).toThrow('globalNorm: this is no list of tensors');
    expect(() => ops.mlp(x, undefined as never)).toThrow('mlp: these are no layers');
    expect(() => ops.gatedMlp(x, undefined as never)).toThrow('gatedMlp: up is no tensor');
  });
});
