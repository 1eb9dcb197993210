import { clone, ones, scalar, type Tensor, tidy, variable, zeros } from '@tensorflow/tfjs-core';
import { adamWTree } from '../adamw-tree.ts';
import { dropout } from '../dropout.ts';
import { globalNorm } from '../global-norm.ts';
import { polyakTree } from '../polyak-tree.ts';
import { squashedGaussian } from '../squashed-gaussian.ts';
import { at, mapNd, nd } from './reference.ts';
import { floats, uniforms } from './samples.ts';
import type { Nd, OpCase, OpRow } from './types.ts';

const gaussianCase = (batch: number, width: number, scale: number): OpCase => ({
  title: `[${batch},${width}], scale ${scale}`,
  inputs: { parameters: floats([batch, 2 * width], 1, scale), noise: floats([batch, width], 2, 2) },
  run: ({ parameters, noise }) => {
    const { action, logProb } = squashedGaussian(parameters as Tensor, noise as Tensor, {
      minLogStd: -3,
      maxLogStd: 1,
    });
    return [action, logProb];
  },
  differentiable: ['parameters'],
  reference: ({ parameters, noise }) => {
    const action = new Float64Array(batch * width);
    const logProb = new Float64Array(batch);
    for (let b = 0; b < batch; b++)
      for (let j = 0; j < width; j++) {
        const mu = at((parameters as Nd).data, b * 2 * width + j);
        const logStd = Math.min(1, Math.max(-3, at((parameters as Nd).data, b * 2 * width + width + j)));
        const e = at((noise as Nd).data, b * width + j);
        const u = mu + Math.exp(logStd) * e;
        action[b * width + j] = Math.tanh(u);
        // the Gaussian's density over the derivative of tanh, 1 − tanh² u = 1 / cosh² u
        const logCosh = Math.abs(u) + Math.log1p(Math.exp(-2 * Math.abs(u))) - Math.LN2;
        logProb[b] = at(logProb, b) - 0.5 * e * e - logStd - 0.5 * Math.log(2 * Math.PI) + 2 * logCosh;
      }
    return [nd([batch, width], action), nd([batch], logProb)];
  },
});

const dropoutCase = (shape: number[], rate: number): OpCase => ({
  title: `[${shape}], rate ${rate}`,
  inputs: { x: floats(shape, 1), noise: uniforms(shape, 2) },
  run: ({ x, noise }) => dropout(x as Tensor, rate, { uniformTensor: () => clone(noise as Tensor) }),
  differentiable: ['x'],
  reference: ({ x, noise }) => [
    mapNd(x as Nd, (v, i) => (rate === 0 || at((noise as Nd).data, i) >= rate ? v / (1 - rate) : 0)),
  ],
});

/** Three updates of two tensors with the same gradients, by PyTorch's order of operations. */
const adamWCase = (weightDecay: number, gradientScale?: number): OpCase => ({
  title: `three steps, weight decay ${weightDecay}${gradientScale === undefined ? '' : `, gradients times ${gradientScale}`}`,
  inputs: { p: floats([3, 11], 1), g: floats([3, 11], 2), q: floats([5], 3), h: floats([5], 4) },
  run: ({ p, g, q, h }) =>
    tidy(() => {
      const entries = [
        [p, g],
        [q, h],
      ].map(([parameter, gradient]) => ({
        parameter: variable(parameter as Tensor),
        gradient: gradient as Tensor,
        m: variable(zeros((parameter as Tensor).shape)),
        v: variable(zeros((parameter as Tensor).shape)),
        weightDecay,
      }));
      const step = variable(scalar(0));
      const scale = gradientScale === undefined ? undefined : scalar(gradientScale);
      for (let i = 0; i < 3; i++) adamWTree(entries, { learningRate: 0.1, step, gradientScale: scale });
      const results = [...entries.flatMap((e) => [e.parameter, e.m, e.v]), step].map((x) => clone(x));
      for (const { parameter, m, v } of entries) for (const x of [parameter, m, v]) x.dispose();
      step.dispose();
      return results;
    }),
  reference: (i) => {
    const out: Nd[] = [];
    for (const [p0, g0] of [
      [i.p, i.g],
      [i.q, i.h],
    ] as [Nd, Nd][]) {
      const p = Float64Array.from(p0.data);
      const m = p.map(() => 0);
      const v = p.map(() => 0);
      for (let t = 1; t <= 3; t++)
        for (let j = 0; j < p.length; j++) {
          const g = at(g0.data, j) * (gradientScale ?? 1);
          m[j] = 0.9 * at(m, j) + 0.1 * g;
          v[j] = 0.999 * at(v, j) + 0.001 * g * g;
          const rate = 0.1 / (1 - 0.9 ** t);
          const denominator = Math.sqrt(at(v, j)) / Math.sqrt(1 - 0.999 ** t) + 1e-8;
          p[j] = at(p, j) * (1 - 0.1 * weightDecay) - (rate * at(m, j)) / denominator;
        }
      out.push(nd(p0.shape, p), nd(p0.shape, m), nd(p0.shape, v));
    }
    return [...out, nd([], [3])];
  },
});

const polyakCase = (tau: number): OpCase => ({
  title: `τ ${tau}`,
  inputs: { t: floats([4, 9], 1), s: floats([4, 9], 2) },
  run: ({ t, s }) =>
    tidy(() => {
      const target = variable(t as Tensor);
      polyakTree([target], [s as Tensor], tau);
      const result = clone(target);
      target.dispose();
      return [result, clone(t as Tensor)];
    }),
  // what the variable was made from stays as it was
  reference: ({ t, s }) => [mapNd(t as Nd, (v, i) => v + tau * (at((s as Nd).data, i) - v)), t as Nd],
});

export const policyRows: OpRow[] = [
  {
    name: 'squashedGaussian',
    cases: [gaussianCase(5, 3, 0.8), gaussianCase(7, 17, 2.5), gaussianCase(1, 1, 1)],
    errors: [
      {
        title: 'parameters that are not twice as wide',
        run: () => squashedGaussian(ones([2, 5]), ones([2, 3])),
        code: 'ERR_SHAPE',
        message: 'squashedGaussian: parameters has the wrong shape; got [2,5], wanted [2,6] for this noise',
      },
    ],
  },
  {
    name: 'dropout',
    cases: [dropoutCase([7, 5], 0.3), dropoutCase([2, 3, 33], 0.9), dropoutCase([4], 0)],
    errors: [
      {
        title: 'a rate of 1',
        run: () => dropout(ones([2]), 1, { uniformTensor: (shape) => zeros(shape) }),
        code: 'ERR_CONFIG',
        message: 'dropout: rate is out of range; got 1, wanted a number in [0, 1)',
      },
    ],
  },
  {
    name: 'adamWTree',
    cases: [adamWCase(0), adamWCase(0.1), adamWCase(0.01, 0.25)],
    errors: [
      {
        title: 'a gradient of another shape',
        run: () => {
          const v = variable(zeros([2]));
          try {
            adamWTree([{ parameter: v, gradient: ones([3]), m: v, v }], { learningRate: 1, step: variable(scalar(0)) });
          } finally {
            v.dispose();
          }
        },
        code: 'ERR_SHAPE',
        message: 'adamWTree: entries[0].gradient has the wrong shape; got [3], wanted [2] like its parameter',
      },
    ],
  },
  {
    name: 'polyakTree',
    cases: [polyakCase(0.005), polyakCase(1)],
    errors: [
      {
        title: 'a share above 1',
        run: () => polyakTree([], [], 2),
        code: 'ERR_CONFIG',
        message: 'polyakTree: tau is out of range; got 2, wanted a number in [0, 1]',
      },
    ],
  },
  {
    name: 'globalNorm',
    cases: [
      {
        title: '3, 4, 12 and an empty tensor: 13',
        inputs: {
          a: { shape: [2], dtype: 'float32', data: Float64Array.of(3, 4) },
          b: { shape: [1, 1], dtype: 'float32', data: Float64Array.of(12) },
          c: floats([0], 1),
        },
        run: ({ a, b, c }) => globalNorm([a, b, c] as Tensor[]),
        reference: () => [nd([], [13])],
      },
    ],
    errors: [],
  },
];
