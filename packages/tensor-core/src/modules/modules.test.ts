import {
  matMul,
  memory,
  reshape,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import {
  createOptimizer,
  dense,
  disposeTree,
  dropoutModule,
  embeddingModule,
  flatten,
  initializers,
  layerNormModule,
  type Module,
  mlpModule,
  rmsNormModule,
  rng,
  sequential,
  useBackend,
  valueAndGrad,
  variables,
} from '../index.ts';

const numbers = (t: Tensor): number[] => [...t.dataSync<'float32'>()];
const shapes = (module: Module<Tensor, Tensor>): Record<string, number[]> =>
  Object.fromEntries(flatten(module.init(rng(0))).map(([path, t]) => [path, t.shape]));

beforeAll(() => useBackend());

describe('modules', () => {
  test('dense: x·W + b by hand', () => {
    const layer = dense({ inputs: 2, outputs: 2, activation: 'relu' });
    const params = {
      weight: tensor2d([
        [1, 2],
        [3, 4],
      ]),
      bias: tensor1d([-10, 1]),
    };
    expect(numbers(layer.apply(params, tensor2d([[1, 1]])))).toEqual([0, 7]);
    expect(shapes(layer)).toEqual({ weight: [2, 2], bias: [2] });
    expect(shapes(dense({ inputs: 2, outputs: 3, bias: false }))).toEqual({ weight: [2, 3] });
  });

  test('an mlp is its layers one after another, and names them by number', () => {
    const sizes = [3, 4, 2];
    const net = mlpModule({ sizes, activation: 'tanh', outputActivation: 'sigmoid' });
    const same = sequential(
      dense({ inputs: 3, outputs: 4, activation: 'tanh' }),
      dense({ inputs: 4, outputs: 2, activation: 'sigmoid' }),
    );
    expect(shapes(net)).toEqual({ '0.weight': [3, 4], '0.bias': [4], '1.weight': [4, 2], '1.bias': [2] });
    const params = net.init(rng(1));
    expect(flatten(same.init(rng(1))).map(([path, t]) => [path, numbers(t)])).toEqual(
      flatten(params).map(([path, t]) => [path, numbers(t)]),
    );
    const x = rng(2).normalTensor([5, 3]);
    expect(numbers(net.apply(params, x))).toEqual(numbers(same.apply(params, x)).map((v) => expect.closeTo(v, 6)));
  });

  test('norms start as plain normalisation', () => {
    const x = tensor2d([
      [1, 3],
      [2, -2],
    ]);
    const norm = layerNormModule({ size: 2, epsilon: 0 });
    expect(numbers(norm.apply(norm.init(rng(0)), x))).toEqual([-1, 1, 1, -1].map((v) => expect.closeTo(v, 5)));
    for (const unitOffset of [false, true]) {
      const rms = rmsNormModule({ size: 2, epsilon: 0, unitOffset });
      // √((1 + 9)/2) = √5; √4 = 2
      expect(numbers(rms.apply(rms.init(rng(0)), x))).toEqual(
        [1 / Math.sqrt(5), 3 / Math.sqrt(5), 1, -1].map((v) => expect.closeTo(v, 5)),
      );
    }
  });

  test('embedding looks rows up', () => {
    const table = embeddingModule({ count: 3, size: 2 });
    const params = {
      table: tensor2d([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    };
    expect(numbers(table.apply(params, tensor1d([2, 0], 'int32')))).toEqual([5, 6, 1, 2]);
    expect(shapes(table)).toEqual({ table: [3, 2] });
  });

  test('dropout is active in training only, needs a stream there, and is the same for the same stream', () => {
    const net = sequential(dropoutModule({ rate: 0.5 }));
    const x = rng(1).normalTensor([100]);
    const params = net.init(rng(0));
    expect(numbers(net.apply(params, x))).toEqual(numbers(x));
    const dropped = numbers(net.apply(params, x, { training: true, rng: rng(4) }));
    expect(dropped.filter((v) => v === 0).length).toBeGreaterThan(30);
    expect(numbers(net.apply(params, x, { training: true, rng: rng(4) }))).toEqual(dropped);
    expect(() => net.apply(params, x, { training: true })).toThrow(
      'dropoutModule: training needs a random stream. pass rng',
    );
  });

  test('sequential leaves its output only', () => {
    const net = sequential(
      dense({ inputs: 3, outputs: 3 }),
      layerNormModule({ size: 3 }),
      dropoutModule({ rate: 0.1 }),
    );
    const params = net.init(rng(1));
    const x = rng(2).normalTensor([2, 3]);
    const before = memory().numTensors;
    net.apply(params, x).dispose();
    sequential().apply({}, x).dispose();
    expect(memory().numTensors).toBe(before);
  });

  test('bad sizes are refused', () => {
    expect(() => mlpModule({ sizes: [3] })).toThrow('mlpModule sizes: no layer');
    expect(() => mlpModule({ sizes: [3, 0] })).toThrow('mlpModule: bad size; got 0');
    expect(() => dense({ inputs: 1.5, outputs: 1 })).toThrow('dense: bad size; got 1.5');
  });

  test('learns a curve', () => {
    const net = mlpModule({ sizes: [1, 32, 1], activation: 'tanh' });
    const initial = net.init(rng(1));
    const params = variables(initial);
    disposeTree(initial);
    const optimizer = createOptimizer({ name: 'adam' });
    const state = optimizer.init(params);
    const xs = Array.from({ length: 64 }, (_, i) => i / 32 - 1);
    const [x, y] = [tensor2d(xs.map((v) => [v])), tensor2d(xs.map((v) => [Math.sin(4 * v)]))];
    const step = valueAndGrad((p: typeof params): Scalar => sum(square(sub(net.apply(p, x), y))));
    let loss = 0;
    for (let i = 0; i < 400; i++) {
      const { value, grads } = step(params);
      optimizer.update(params, grads, state, 1e-2);
      loss = (value.dataSync()[0] ?? 0) / xs.length;
      value.dispose();
      disposeTree(grads);
    }
    expect(loss).toBeLessThan(0.01); // 0.5 at the start
  });
});

describe('initialisers', () => {
  const spread = (t: Tensor): { mean: number; std: number; max: number } => {
    const v = numbers(t);
    const mean = v.reduce((a, b) => a + b, 0) / v.length;
    return {
      mean,
      std: Math.sqrt(v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length),
      max: Math.max(...v.map(Math.abs)),
    };
  };
  const shape = [200, 100];

  test.each([
    ['normal', initializers.normal(0.5), 0.5],
    ['uniform', initializers.uniform(0.3), 0.3 / Math.sqrt(3)],
    ['xavierUniform', initializers.xavierUniform(), Math.sqrt(2 / 300)],
    ['xavierNormal', initializers.xavierNormal(2), 2 * Math.sqrt(2 / 300)],
    ['kaimingUniform', initializers.kaimingUniform(), Math.sqrt(2 / 200)],
    ['kaimingNormal', initializers.kaimingNormal(1), Math.sqrt(1 / 200)],
    ['torchLinear', initializers.torchLinear(), 1 / Math.sqrt(600)],
  ])('%s has its standard deviation', (_, init, std) => {
    const s = spread(init(rng(1), shape));
    expect(Math.abs(s.std / std - 1)).toBeLessThan(0.03);
    expect(Math.abs(s.mean)).toBeLessThan((5 * std) / Math.sqrt(20_000));
  });

  test('the fan of a convolution counts its filter', () => {
    // [3, 3, 8, 16]: fan-in 72
    expect(
      Math.abs(spread(initializers.kaimingNormal(1)(rng(1), [3, 3, 8, 16])).std / Math.sqrt(1 / 72) - 1),
    ).toBeLessThan(0.06);
    expect(spread(initializers.torchLinear(400)(rng(1), [50])).max).toBeLessThanOrEqual(1 / 20);
  });

  test.each([[[4, 7]], [[7, 4]], [[5, 5]], [[2, 3, 4]]])(
    'orthogonal %p: rows or columns are orthonormal times the gain',
    (dims) => {
      const w = initializers.orthogonal(3)(rng(1), dims);
      const columns = dims.at(-1) as number;
      const m = reshape(w, [-1, columns]) as ReturnType<typeof tensor2d>;
      const wide = columns >= m.shape[0];
      const n = wide ? m.shape[0] : columns;
      const product = numbers(matMul(m, m, !wide, wide));
      for (const [i, v] of product.entries()) expect(v).toBeCloseTo(i % (n + 1) === 0 ? 9 : 0, 4);
      expect(w.shape).toEqual(dims);
    },
  );

  test('orthogonal needs a matrix', () => {
    expect(() => initializers.orthogonal()(rng(0), [3])).toThrow('orthogonal: no matrix');
  });
});
