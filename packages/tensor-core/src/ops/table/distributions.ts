// Rows of the distributions: log-probabilities, entropies, divergences and reparametrised samples, with their gradients
// in the parameters and in the value.

import { clone, ones, scalar, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { categorical, diagonalGaussian, squashedGaussian } from '../../distributions/index.ts';
import type { Rng } from '../../random/rng.ts';
import { at, nd } from './reference.ts';
import { floats, ints, numbers } from './samples.ts';
import type { Nd, OpCase, OpRow, Sample } from './types.ts';

type Inputs = { [name: string]: Nd };
type Tensors = { [name: string]: Tensor };

/** One number for each row of the last axis. */
const perRow = (x: Nd, f: (row: number, width: number) => number): Nd => {
  const width = at(x.shape, x.shape.length - 1);
  const batch = x.shape.slice(0, -1);
  const rows = x.data.length / width;
  return nd(
    batch,
    Array.from({ length: rows }, (_, row) => f(row, width)),
  );
};
const sumTo = (n: number, f: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < n; i++) total += f(i);
  return total;
};

// --- classes ---

/** Probabilities of one row of logits. */
function softmaxOf({ data }: Nd, row: number, width: number): number[] {
  const weights = Array.from(data.slice(row * width, (row + 1) * width), Math.exp);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
}

/** A class of probability 0 counts nothing. */
const expected = (p: readonly number[], f: (i: number) => number): number =>
  sumTo(p.length, (i) => (p[i] === 0 ? 0 : at(p, i) * f(i)));

const excluded = Number.NEGATIVE_INFINITY;
const masked: Sample = numbers([2, 3], [0.3, excluded, -0.8, 1.5, 0.2, excluded]);
const maskedToo: Sample = numbers([2, 3], [-0.4, excluded, 0.9, 0.1, -1.2, excluded]);

const categoricalCases: OpCase[] = [
  ...[floats([4, 5], 1, 2), floats([2, 3, 7], 2, 3)].map(
    (logits): OpCase => ({
      title: `log-probability, [${logits.shape}]`,
      inputs: { logits, value: ints(logits.shape.slice(0, -1), 3, 5) },
      run: ({ logits, value }) => categorical(logits as Tensor).logProb(value as Tensor),
      differentiable: ['logits'],
      reference: ({ logits, value }) => [
        perRow(logits as Nd, (row, width) =>
          Math.log(at(softmaxOf(logits as Nd, row, width), at((value as Nd).data, row))),
        ),
      ],
    }),
  ),
  ...[floats([4, 5], 1, 2), masked].map(
    (logits): OpCase => ({
      title: `entropy${logits === masked ? ' with excluded classes' : ''}`,
      inputs: { logits },
      run: ({ logits }) => categorical(logits as Tensor).entropy(),
      differentiable: ['logits'],
      reference: ({ logits }) => [
        perRow(logits as Nd, (row, width) => {
          const p = softmaxOf(logits as Nd, row, width);
          return -expected(p, (i) => Math.log(at(p, i)));
        }),
      ],
    }),
  ),
  ...(
    [
      [floats([4, 5], 1, 2), floats([4, 5], 4, 2)],
      [masked, maskedToo],
    ] as const
  ).map(
    ([logits, other]): OpCase => ({
      title: `KL${logits === masked ? ' with excluded classes' : ''}`,
      inputs: { logits, other },
      run: ({ logits, other }) => categorical(logits as Tensor).kl(categorical(other as Tensor)),
      differentiable: ['logits', 'other'],
      reference: ({ logits, other }) => [
        perRow(logits as Nd, (row, width) => {
          const [p, q] = [softmaxOf(logits as Nd, row, width), softmaxOf(other as Nd, row, width)];
          return expected(p, (i) => Math.log(at(p, i) / at(q, i)));
        }),
      ],
    }),
  ),
];

// --- normal distributions ---

/** μ and σ of an element; logStd may be one row for the whole batch. */
const momentsAt = ({ mean, logStd }: Inputs, i: number): { m: number; s: number } => {
  const [mu, log] = [mean as Nd, logStd as Nd];
  return { m: at(mu.data, i), s: Math.exp(at(log.data, i % log.data.length)) };
};
const otherAt = (x: Inputs, i: number): { m: number; s: number } =>
  momentsAt({ mean: x.otherMean as Nd, logStd: x.otherLogStd as Nd }, i);

const logNormal = (x: number, m: number, s: number): number =>
  -((x - m) ** 2) / (2 * s * s) - Math.log(s * Math.sqrt(2 * Math.PI));
const normalEntropy = (s: number): number => 0.5 * Math.log(2 * Math.PI * Math.E * s * s);

/** For each row the sum over its elements. */
const summed = (x: Inputs, f: (i: number) => number): Nd[] => [
  perRow(x.mean as Nd, (row, width) => sumTo(width, (j) => f(row * width + j))),
];
const klReference = (x: Inputs): Nd[] =>
  summed(x, (i) => {
    const [p, q] = [momentsAt(x, i), otherAt(x, i)];
    return Math.log(q.s / p.s) + (p.s ** 2 + (p.m - q.m) ** 2) / (2 * q.s ** 2) - 0.5;
  });

const pair = (x: Tensors): { mean: Tensor; logStd: Tensor } => ({
  mean: x.mean as Tensor,
  logStd: x.logStd as Tensor,
});
const otherPair = (x: Tensors): { mean: Tensor; logStd: Tensor } => ({
  mean: x.otherMean as Tensor,
  logStd: x.otherLogStd as Tensor,
});
/** A stream that draws this. */
const drawing = (noise: Tensor): Rng => ({ normalTensor: () => clone(noise) }) as unknown as Rng;

const parameters = ['mean', 'logStd'];
const both = [...parameters, 'otherMean', 'otherLogStd'];

/** A batch with deviations of its own, and one with a deviation for all. */
const forms: readonly (readonly [form: string, logStd: readonly number[]])[] = [
  ['a deviation each', [5, 3]],
  ['one deviation', [3]],
];
const shape = [5, 3];
const given = (logStd: readonly number[]): { [name: string]: Sample } => ({
  mean: floats(shape, 1),
  logStd: floats(logStd, 2, 0.4),
});
const others = (logStd: readonly number[]): { [name: string]: Sample } => ({
  otherMean: floats(shape, 5),
  otherLogStd: floats(logStd, 6, 0.4),
});

const gaussianCases = forms.flatMap(([form, logStd]): OpCase[] => [
  {
    title: `log-density, ${form}`,
    inputs: { ...given(logStd), value: floats(shape, 3, 1.5) },
    run: (x) => diagonalGaussian(pair(x)).logProb(x.value as Tensor),
    differentiable: [...parameters, 'value'],
    reference: (x) =>
      summed(x, (i) => {
        const { m, s } = momentsAt(x, i);
        return logNormal(at((x.value as Nd).data, i), m, s);
      }),
  },
  {
    title: `entropy, ${form}`,
    inputs: given(logStd),
    run: (x) => diagonalGaussian(pair(x)).entropy(),
    differentiable: ['logStd'],
    reference: (x) => summed(x, (i) => normalEntropy(momentsAt(x, i).s)),
  },
  {
    title: `KL, ${form}`,
    inputs: { ...given(logStd), ...others(logStd) },
    run: (x) => diagonalGaussian(pair(x)).kl(diagonalGaussian(otherPair(x))),
    differentiable: both,
    reference: klReference,
  },
  {
    title: `a sample, ${form}`,
    inputs: { ...given(logStd), noise: floats(shape, 4, 2) },
    run: (x) => diagonalGaussian(pair(x)).sample(drawing(x.noise as Tensor)),
    differentiable: parameters,
    reference: (x) => [
      nd(
        shape,
        (x.mean as Nd).data.map((m, i) => m + momentsAt(x, i).s * at((x.noise as Nd).data, i)),
      ),
    ],
  },
]);

// --- through tanh ---

const scale = 2;
/** log |d(scale·tanh u)/du|, by cosh: 1 − tanh² u = 1 / cosh² u. */
const logSlope = (u: number): number => Math.log(scale) - 2 * Math.log(Math.cosh(u));
/** E[f(u)], u normal, by the trapezoid rule: exact to rounding, as the integrand vanishes at both ends. */
const mean = (f: (u: number) => number, m: number, s: number): number => {
  const [h, n] = [0.02, 500];
  return sumTo(2 * n + 1, (k) => Math.exp(logNormal((k - n) * h, 0, 1)) * f(m + s * (k - n) * h) * h);
};

const squashedCases = forms.flatMap(([form, logStd]): OpCase[] => [
  {
    title: `log-density, ${form}`,
    // well inside ±2: at the edge float32 has few digits of the distance to it
    inputs: { ...given(logStd), value: floats(shape, 3, 1.7) },
    run: (x) => squashedGaussian(pair(x), { scale }).logProb(x.value as Tensor),
    differentiable: [...parameters, 'value'],
    reference: (x) =>
      summed(x, (i) => {
        const { m, s } = momentsAt(x, i);
        const u = Math.atanh(at((x.value as Nd).data, i) / scale);
        return logNormal(u, m, s) - logSlope(u);
      }),
  },
  {
    title: `log-density of what was not squashed yet, ${form}`,
    inputs: { ...given(logStd), value: floats(shape, 3, 4) },
    run: (x) => squashedGaussian(pair(x), { scale }).logProbOfPreSquash(x.value as Tensor),
    differentiable: [...parameters, 'value'],
    reference: (x) =>
      summed(x, (i) => {
        const { m, s } = momentsAt(x, i);
        const u = at((x.value as Nd).data, i);
        return logNormal(u, m, s) - logSlope(u);
      }),
  },
  {
    title: `entropy, ${form}`,
    inputs: given(logStd),
    run: (x) => squashedGaussian(pair(x), { scale }).entropy(),
    differentiable: parameters,
    reference: (x) =>
      summed(x, (i) => {
        const { m, s } = momentsAt(x, i);
        return normalEntropy(s) + mean(logSlope, m, s);
      }),
  },
  {
    title: `KL, ${form}`,
    inputs: { ...given(logStd), ...others(logStd) },
    run: (x) => squashedGaussian(pair(x), { scale }).kl(squashedGaussian(otherPair(x), { scale })),
    differentiable: both,
    reference: klReference,
  },
  {
    title: `a sample with its log-density, ${form}`,
    inputs: { ...given(logStd), noise: floats(shape, 4, 2) },
    run: (x) => {
      const d = squashedGaussian(pair(x), { scale });
      const { action, logProb } = d.sampleWithLogProb(drawing(x.noise as Tensor));
      return [action, logProb, d.sample(drawing(x.noise as Tensor))];
    },
    differentiable: parameters,
    reference: (x) => {
      const u = (x.mean as Nd).data.map((m, i) => m + momentsAt(x, i).s * at((x.noise as Nd).data, i));
      const action = nd(
        shape,
        u.map((v) => scale * Math.tanh(v)),
      );
      const [logProb] = summed(x, (i) => {
        const { m, s } = momentsAt(x, i);
        return logNormal(at(u, i), m, s) - logSlope(at(u, i));
      });
      return [action, logProb as Nd, action];
    },
  },
]);

export const distributionRows: OpRow[] = [
  {
    name: 'distributions.categorical',
    cases: categoricalCases,
    errors: [
      {
        title: 'a number for logits',
        run: () => categorical(scalar(1)),
        code: 'ERR_SHAPE',
        message: 'categorical: bad logits; got "float32 []", wanted float32 [..., K]',
      },
    ],
  },
  {
    name: 'distributions.diagonalGaussian',
    cases: gaussianCases,
    errors: [
      {
        title: 'a deviation of another width',
        run: () => diagonalGaussian({ mean: ones([1, 2]), logStd: zeros([1]) }),
        code: 'ERR_SHAPE',
        message:
          'diagonalGaussian: mean and logStd do not fit; got "mean [1,2], logStd [1]", wanted float32 [..., A] both, or logStd [A]',
      },
    ],
  },
  {
    name: 'distributions.squashedGaussian',
    cases: squashedCases,
    errors: [
      {
        title: 'a scale of 0',
        run: () => squashedGaussian({ mean: ones([1, 2]), logStd: zeros([2]) }, { scale: 0 }),
        code: 'ERR_CONFIG',
        message: 'squashedGaussian scale: out of range; got 0, wanted a number > 0',
      },
    ],
  },
];
