// The fused ops against PyTorch's values and gradients (golden/ops.json, made by golden/ops.py), on every backend of this
// machine. Tolerance: 2e-5 of the largest value, some roundings of float32 in sums of at most 16 terms.

import { readFileSync } from 'node:fs';
import { scalar, type Tensor, tensor, tensor1d, tidy, valueAndGrads, variable, zeros } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/use-backend.node.ts';
import * as ops from '../src/ops/index.ts';
import { availableBackends } from './helpers/backends.ts';

interface Case {
  out: number[];
  gradients: { [input: string]: number[] };
}

const golden = JSON.parse(readFileSync(new URL('golden/ops.json', import.meta.url), 'utf8')) as {
  cases: { [name: string]: Case } & { adamWTree: { steps: { p: number[]; b: number[] }[] } };
};

const backends = await availableBackends('cpu', 'wasm', 'native');

/** The inputs that ops.py makes: scale · sin(seed + 1.7 i). */
function wave(shape: number[], seed: number, scale = 1): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: n }, (_, i) => scale * Math.sin(seed + 1.7 * i)),
    shape,
  );
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  const tolerance = 2e-5 * Math.max(1, ...expected.map(Math.abs));
  expect(actual).toHaveLength(expected.length);
  for (const [i, wanted] of expected.entries())
    if (!(Math.abs((actual[i] as number) - wanted) <= tolerance))
      throw new Error(`${what}, element ${i}: ${actual[i]} instead of ${wanted}`);
}

const int = (values: number[]): Tensor => tensor1d(values, 'int32');
const targets = (): Tensor => int([2, 0, 5, 3]);

const runs: { [name: string]: { inputs: [string, () => Tensor][]; run: (...xs: Tensor[]) => Tensor } } = {
  layerNorm: {
    inputs: [
      ['x', () => wave([3, 5], 1, 2)],
      ['scale', () => wave([5], 2)],
      ['offset', () => wave([5], 3)],
    ],
    run: (x, scale, offset) => ops.layerNorm(x as Tensor, scale as Tensor, offset as Tensor),
  },
  rmsNorm: {
    inputs: [
      ['x', () => wave([3, 5], 1, 2)],
      ['scale', () => wave([5], 2)],
    ],
    run: (x, scale) => ops.rmsNorm(x as Tensor, scale as Tensor),
  },
  'attention causal': attention([2, 5, 8], { heads: 2, causal: true }),
  'attention full': attention([2, 5, 8], { heads: 2 }),
  'attention grouped': attention([2, 5, 16], { heads: 4, kvHeads: 2, causal: true }),
  'crossEntropy mean': logits((x) => ops.crossEntropy(x, targets())),
  'crossEntropy sum': logits((x) => ops.crossEntropy(x, targets(), { reduction: 'sum' })),
  'crossEntropy none': logits((x) => ops.crossEntropy(x, targets(), { reduction: 'none' })),
  'crossEntropy smoothed': logits((x) => ops.crossEntropy(x, targets(), { labelSmoothing: 0.1 })),
  'crossEntropy ignored': logits((x) => ops.crossEntropy(x, int([2, -100, 5, 3]), { weights: tensor1d([1, 0, 1, 1]) })),
  'crossEntropy weighted': logits((x) => ops.crossEntropy(x, targets(), { weights: tensor1d([1, 0, 0.5, 2]) })),
};
for (const name of ['gelu', 'gelu-erf', 'silu', 'relu', 'elu', 'softplus', 'tanh', 'sigmoid'] as const)
  runs[`activate ${name}`] = {
    inputs: [['x', () => wave([20], 1, 5)]],
    run: (x) => ops.activate(x as Tensor, name),
  };

function attention(shape: number[], o: ops.AttentionOptions): (typeof runs)[string] {
  return {
    inputs: [
      ['q', () => wave(shape, 1, 2)],
      ['k', () => wave([2, 5, 8], 2, 2)],
      ['v', () => wave([2, 5, 8], 3)],
    ],
    run: (q, k, v) => ops.attention(q as Tensor, k as Tensor, v as Tensor, o),
  };
}

function logits(run: (x: Tensor) => Tensor): (typeof runs)[string] {
  return { inputs: [['logits', () => wave([4, 6], 1, 3)]], run: (x) => run(x as Tensor) };
}

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(Object.keys(runs))('%s equals PyTorch', (name) => {
    const { inputs, run } = runs[name] as (typeof runs)[string];
    const { out, gradients } = golden.cases[name] as Case;
    tidy(() => {
      const xs = inputs.map(([, make]) => make());
      const shape = tidy(() => run(...xs)).shape;
      const { value, grads } = valueAndGrads(run)(xs, wave(shape, 0.5));
      expectClose(value.dataSync(), out, 'output');
      for (const [i, [input]] of inputs.entries())
        expectClose((grads[i] as Tensor).dataSync(), gradients[input] as number[], `gradient by ${input}`);
    });
  });

  test('ten steps of AdamW equal PyTorch', () => {
    const entry = (parameter: Tensor, weightDecay: number) => ({
      parameter: variable(parameter),
      gradient: parameter,
      m: variable(zeros(parameter.shape)),
      v: variable(zeros(parameter.shape)),
      weightDecay,
    });
    const [p, b, step] = [entry(wave([3, 4], 1), 0.1), entry(wave([5], 2), 0), variable(scalar(0))];
    for (const [i, wanted] of golden.cases.adamWTree.steps.entries()) {
      p.gradient = wave([3, 4], 10 + i);
      b.gradient = wave([5], 20 + i);
      ops.adamWTree([p, b], { learningRate: 0.01, step, beta1: 0.9, beta2: 0.95 });
      expectClose(p.parameter.dataSync(), wanted.p, `step ${i + 1}, p`);
      expectClose(b.parameter.dataSync(), wanted.b, `step ${i + 1}, b`);
    }
  });
});
