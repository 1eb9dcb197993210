import { ones, type Tensor } from '@tensorflow/tfjs-core';
import { layerNorm } from '../layer-norm.ts';
import { rmsNorm } from '../rms-norm.ts';
import { at, dim, mapNd, zerosNd } from './reference.ts';
import { floats, numbers } from './samples.ts';
import type { Nd, OpCase, OpRow } from './types.ts';

/** Each row of x through f. */
function perRow(x: Nd, f: (row: Float64Array) => Float64Array): Nd {
  const n = dim(x, -1);
  const out = zerosNd(x.shape);
  for (let i = 0; i < x.data.length; i += n) out.data.set(f(x.data.subarray(i, i + n)), i);
  return out;
}

const mean = (row: Float64Array): number => row.reduce((a, b) => a + b, 0) / row.length;

const layerNormCase = (shape: number[], epsilon = 1e-5): OpCase => ({
  title: `[${shape}]`,
  inputs: { x: floats(shape, 1, 2), scale: floats(shape.slice(-1), 2), offset: floats(shape.slice(-1), 3) },
  run: ({ x, scale, offset }) => layerNorm(x as Tensor, scale as Tensor, offset as Tensor, { epsilon }),
  differentiable: ['x', 'scale', 'offset'],
  reference: ({ x, scale, offset }) => {
    const hat = perRow(x as Nd, (row) => {
      const mu = mean(row);
      const r = 1 / Math.sqrt(mean(row.map((v) => (v - mu) ** 2)) + epsilon);
      return row.map((v) => (v - mu) * r);
    });
    const n = dim(x as Nd, -1);
    return [mapNd(hat, (v, i) => v * at((scale as Nd).data, i % n) + at((offset as Nd).data, i % n))];
  },
});

const rmsNormCase = (shape: number[], unitOffset = false, epsilon = 1e-6): OpCase => ({
  title: `[${shape}]${unitOffset ? ', 1 + scale' : ''}`,
  inputs: { x: floats(shape, 1, 2), scale: floats(shape.slice(-1), 2) },
  run: ({ x, scale }) => rmsNorm(x as Tensor, scale as Tensor, { epsilon, unitOffset }),
  differentiable: ['x', 'scale'],
  reference: ({ x, scale }) => {
    const hat = perRow(x as Nd, (row) => {
      const r = 1 / Math.sqrt(mean(row.map((v) => v * v)) + epsilon);
      return row.map((v) => v * r);
    });
    const n = dim(x as Nd, -1);
    return [mapNd(hat, (v, i) => v * (at((scale as Nd).data, i % n) + (unitOffset ? 1 : 0)))];
  },
});

const shapes = [[6], [5, 7], [2, 3, 16], [2, 2, 3, 33], [300, 65], [0, 8]];

export const normRows: OpRow[] = [
  {
    name: 'layerNorm',
    cases: [
      ...shapes.map((shape) => layerNormCase(shape)),
      {
        // (x − μ) r with x = 3, 1 and ε = 0: ±1; times 2, plus 1
        ...layerNormCase([1, 2], 0),
        title: 'by hand',
        inputs: { x: numbers([1, 2], [3, 1]), scale: numbers([2], [2, 2]), offset: numbers([2], [1, 1]) },
        reference: () => [{ shape: [1, 2], data: Float64Array.of(3, -1) }],
        differentiable: [],
      },
      {
        ...layerNormCase([2, 32]),
        title: 'a large mean',
        inputs: {
          x: { ...floats([2, 32], 1), data: floats([2, 32], 1).data.map((v) => Math.fround(v + 1000)) },
          scale: floats([32], 2),
          offset: floats([32], 3),
        },
        tolerance: 3e-4,
        differentiable: [],
      },
    ],
    errors: [
      {
        title: 'a scale of another width',
        run: () => layerNorm(ones([2, 3]), ones([4]), ones([3])),
        code: 'ERR_SHAPE',
        message: 'layerNorm: scale has the wrong shape; got [4], wanted [3] like the last axis of x',
      },
      {
        title: 'a negative epsilon',
        run: () => layerNorm(ones([2, 3]), ones([3]), ones([3]), { epsilon: -1 }),
        code: 'ERR_CONFIG',
        message: 'layerNorm: epsilon is out of range; got -1, wanted a number ≥ 0',
      },
    ],
  },
  {
    name: 'rmsNorm',
    cases: [...shapes.map((shape) => rmsNormCase(shape)), rmsNormCase([4, 9], true)],
    errors: [
      {
        title: 'a scale of another width',
        run: () => rmsNorm(ones([2, 3]), ones([4])),
        code: 'ERR_SHAPE',
        message: 'rmsNorm: scale has the wrong shape; got [4], wanted [3] like the last axis of x',
      },
    ],
  },
];
