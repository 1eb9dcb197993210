import {
  add,
  concat,
  mul,
  slice,
  stack,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { logSumExp as logSumExpOf } from '../../gap/log-sum-exp.ts';
import { type DivergenceOptions, divergence, divergenceMeasures, divergenceWithGradient } from '../divergence.ts';
import { divergencePart, divergencePartGradient } from '../divergence-parts.ts';
import { at, dim, logSumExp, nd } from './reference.ts';
import { floats, numbers } from './samples.ts';
import type { Nd, OpCase, OpRow, Sample } from './types.ts';

const softmaxOf = (z: Nd, row: number, temperature: number): number[] => {
  const v = dim(z, -1);
  const x = Array.from(z.data.subarray(row * v, (row + 1) * v), (value) => value / temperature);
  const lse = logSumExp(x);
  return x.map((value) => Math.exp(value - lse));
};

/** Σ a log(a/b), 0 where a is. */
const kl = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, x, i) => total + (x === 0 ? 0 : x * Math.log(x / at(b, i))), 0);

const mixed = (a: readonly number[], b: readonly number[], ofA: number): number[] =>
  a.map((x, i) => ofA * x + (1 - ofA) * at(b, i));

const halfDistance = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((s, x, i) => s + Math.abs(x - at(q, i)), 0) / 2;

/** By the definitions, from probabilities. */
function distance(p: readonly number[], q: readonly number[], { kind, mix = 0, scale }: DivergenceOptions): number {
  switch (kind) {
    case 'fkl':
      return kl(p, q);
    case 'rkl':
      return kl(q, p);
    case 'tvd':
      return halfDistance(p, q);
    case 'skew-fkl':
      return kl(p, mixed(p, q, mix));
    case 'skew-rkl':
      return kl(q, mixed(q, p, mix));
    default: {
      if (mix === 0 || mix === 1) return mix === 0 ? kl(p, q) : kl(q, p);
      const m = mixed(p, q, mix);
      const value = mix * kl(p, m) + (1 - mix) * kl(q, m);
      return scale === 'normalised' ? value / (mix * (1 - mix)) : value;
    }
  }
}

const reference = (o: DivergenceOptions, measures: boolean): OpCase['reference'] => {
  return ({ logits, target }) => {
    const z = logits as Nd;
    const rows = z.data.length / Math.max(1, dim(z, -1));
    const [values, measured]: [number[], number[]] = [[], []];
    for (let row = 0; row < rows; row++) {
      const q = softmaxOf(z, row, o.temperature ?? 1);
      const p = softmaxOf(target as Nd, row, o.targetTemperature ?? 1);
      values.push(distance(p, q, o));
      measured.push(
        kl(p, q),
        kl(q, p),
        halfDistance(p, q),
        -q.reduce((s, x) => s + (x === 0 ? 0 : x * Math.log(x)), 0),
      );
    }
    const out = nd(z.shape.slice(0, -1), values);
    return measures ? [out, nd([rows, 4], measured)] : [out];
  };
};

const inputsOf = (shape: number[]): { logits: Sample; target: Sample } => ({
  logits: floats(shape, 1, 4),
  target: floats(shape, 2, 4),
});

const valueCase = (shape: number[], o: DivergenceOptions): OpCase => ({
  title: `[${shape}] ${JSON.stringify(o)}`,
  inputs: inputsOf(shape),
  run: ({ logits, target }) => divergence(logits as Tensor, target as Tensor, o),
  differentiable: ['logits'],
  reference: reference(o, false),
});

const all: readonly DivergenceOptions[] = [
  { kind: 'fkl' },
  { kind: 'rkl' },
  { kind: 'tvd' },
  { kind: 'jsd', mix: 0.1 },
  { kind: 'jsd', mix: 0.5 },
  { kind: 'jsd', mix: 0.9, scale: 'normalised' },
  { kind: 'jsd', mix: 0 },
  { kind: 'jsd', mix: 1 },
  { kind: 'skew-fkl', mix: 0.1 },
  { kind: 'skew-rkl', mix: 0.1 },
  { kind: 'skew-fkl', mix: 0 },
  { kind: 'skew-rkl', mix: 0.7 },
];

// p = (.5, .3, .2) and q = (.2, .2, .6): values worked out by hand in the specification of the method
const byHand: readonly [DivergenceOptions, number][] = [
  [{ kind: 'fkl' }, 0.360062],
  [{ kind: 'rkl' }, 0.394816],
  [{ kind: 'tvd' }, 0.4],
  [{ kind: 'jsd', mix: 0.1 }, 0.0322511],
  [{ kind: 'jsd', mix: 0.5 }, 0.0905658],
  [{ kind: 'jsd', mix: 0.9 }, 0.0346373],
  [{ kind: 'skew-fkl', mix: 0.1 }, 0.289343],
  [{ kind: 'skew-rkl', mix: 0.1 }, 0.304579],
];

const logs = (p: readonly number[]): Sample => numbers([1, p.length], p.map(Math.log));

/** A class that the target bans, one that q bans, one that both do, logits far apart, and equal rows. */
const extreme = {
  logits: numbers([4, 4], [0, 1, 2, -1, -Infinity, 0, 0, 1, -Infinity, 3, 0, 0, 200, -200, 0, 1]),
  target: numbers([4, 4], [-Infinity, 2, 0, 1, 1, 0, 2, 0, -Infinity, 0, 1, 2, -200, 200, 0, 1]),
};
const finiteAt = (o: DivergenceOptions): OpCase => ({
  title: `banned classes and logits far apart, ${JSON.stringify(o)}`,
  inputs: extreme,
  run: ({ logits, target }) => divergence(logits as Tensor, target as Tensor, o),
  reference: reference(o, false),
});

/** The gradient by central differences of the reference: what its own table row compares with. */
const withGradient = (o: DivergenceOptions & { overwrite?: true }): OpCase => {
  const shape = [3, 21];
  const base = reference(o, true);
  return {
    title: `[${shape}] ${JSON.stringify(o)}`,
    inputs: { ...inputsOf(shape), upstream: numbers([3], [1, -0.5, 0]) },
    run: ({ logits, target, upstream }) => {
      // what may be overwritten is a tensor of its own (a sum would turn bytes, which are to be refused, into floats)
      const own = o.overwrite === undefined || logits?.dtype !== 'float32' ? logits : add(logits, 0);
      const r = divergenceWithGradient(own as Tensor2D, target as Tensor2D, upstream as Tensor1D, o);
      if (own !== logits) own?.dispose();
      return [r.values, r.measures, r.gradient];
    },
    reference: ({ logits, target, upstream }) => {
      const z = logits as Nd;
      const step = 1e-6;
      const at0 = base({ logits: z, target: target as Nd });
      const gradient = z.data.map((_, i) => {
        const row = Math.floor(i / 21);
        const moved = (by: number): number => {
          const data = z.data.map((x, j) => (j === i ? x + by : x));
          return at((base({ logits: { ...z, data }, target: target as Nd })[0] as Nd).data, row);
        };
        return (at((upstream as Nd).data, row) * (moved(step) - moved(-step))) / (2 * step);
      });
      return [...at0, nd(shape, gradient)];
    },
  };
};

/** The same of classes 0 to 7 and 8 to 20, each part by itself. */
const inParts = (o: DivergenceOptions, gives: 'sums' | 'gradient'): OpCase => {
  const whole = withGradient(o);
  const { temperature = 1, targetTemperature = 1 } = o;
  const bounds: readonly [number, number][] = [
    [0, 8],
    [8, 13],
  ];
  const lse = (x: Tensor, t: number): Tensor => logSumExpOf(mul(x, 1 / t), -1);
  const cut = (x: Tensor, [from, count]: readonly [number, number]): Tensor2D =>
    slice(x as Tensor2D, [0, from], [-1, count]);
  const run = (z: Tensor, y: Tensor, upstream: Tensor | undefined): Tensor | Tensor[] => {
    // bytes, which are to be refused, have no sum
    const known = z.dtype === 'float32' && y.dtype === 'float32';
    const both = known ? stack([lse(z, temperature), lse(y, targetTemperature)], 1) : zeros([3, 2]);
    const normalizers = both as Tensor2D;
    const sums = bounds
      .map((part) => divergencePart(cut(z, part), cut(y, part), normalizers, o))
      .reduce((a, b) => add(a, b));
    if (upstream === undefined) return [slice(sums, [0, 0], [3, 1]), slice(sums, [0, 2], [3, 4])];
    const given = { normalizers, sums, upstream: upstream as Tensor1D };
    const parts = bounds.map((part) => divergencePartGradient(cut(z, part), cut(y, part), given, o));
    return concat(parts, 1);
  };
  const { upstream: _, ...sides } = whole.inputs;
  return {
    title: `in two parts, ${JSON.stringify(o)}`,
    inputs: gives === 'sums' ? sides : whole.inputs,
    run: ({ logits, target, upstream }) => tidy(() => run(logits as Tensor, target as Tensor, upstream)),
    reference: (given) => {
      const all = whole.reference({ upstream: nd([3], [0, 0, 0]), ...given });
      const [values, measures, gradient] = all as [Nd, Nd, Nd];
      return gives === 'sums' ? [nd([3, 1], values.data), measures] : [gradient];
    },
  };
};

const partsOf: readonly DivergenceOptions[] = [
  ...all.slice(0, 6),
  ...all.slice(8, 10),
  { kind: 'jsd', mix: 0.3, temperature: 0.7, targetTemperature: 2 },
];

export const divergenceRows: OpRow[] = [
  {
    name: 'divergence',
    cases: [
      ...all.map((o) => valueCase([3, 37], o)),
      valueCase([2, 3, 8], { kind: 'jsd', mix: 0.3, temperature: 0.7, targetTemperature: 2 }),
      valueCase([5], { kind: 'fkl', temperature: 2 }),
      valueCase([2, 1], { kind: 'jsd', mix: 0.5 }),
      valueCase([3, 1100], { kind: 'jsd', mix: 0.9 }),
      valueCase([3, 1100], { kind: 'rkl' }),
      ...byHand.map(
        ([o, value]): OpCase => ({
          title: `by hand, ${JSON.stringify(o)}`,
          inputs: { logits: logs([0.2, 0.2, 0.6]), target: logs([0.5, 0.3, 0.2]) },
          run: ({ logits, target }) => divergence(logits as Tensor, target as Tensor, o),
          reference: () => [nd([1], [value])],
          tolerance: 1e-6,
        }),
      ),
      ...all
        .filter(({ kind, mix }) => kind !== 'skew-fkl' && (kind === 'jsd' ? mix !== 0 && mix !== 1 : kind !== 'rkl'))
        .map((o) => finiteAt(o)),
    ],
    errors: [
      {
        title: 'targets of another shape',
        run: () => divergence(zeros([2, 3]), zeros([2, 4]), { kind: 'fkl' }),
        code: 'ERR_SHAPE',
        message: 'divergence: target has the wrong shape; got [2,4], wanted [2,3]',
      },
      {
        title: 'a misspelt name',
        run: () => divergence(zeros([2, 3]), zeros([2, 3]), { kind: 'fkll' as 'fkl' }),
        code: 'ERR_CONFIG',
        message:
          'divergence: unknown kind; got "fkll", wanted one of fkl, rkl, tvd, jsd, skew-fkl, skew-rkl. Did you mean fkl?',
      },
      {
        title: 'β beyond 1',
        run: () => divergence(zeros([2, 3]), zeros([2, 3]), { kind: 'jsd', mix: 1.5 }),
        code: 'ERR_CONFIG',
        message: 'divergence: mix is out of range; got 1.5, wanted a number from 0 to 1',
      },
      {
        title: 'a temperature of 0',
        run: () => divergence(zeros([2, 3]), zeros([2, 3]), { kind: 'fkl', targetTemperature: 0 }),
        code: 'ERR_CONFIG',
        message: 'divergence: targetTemperature is out of range; got 0, wanted a finite number > 0',
      },
    ],
  },
  {
    name: 'divergenceMeasures',
    cases: all.slice(0, 5).map((o) => ({
      title: `[4,37] ${JSON.stringify(o)}`,
      inputs: inputsOf([4, 37]),
      run: ({ logits, target }) => {
        const { values, measures } = divergenceMeasures(logits as Tensor, target as Tensor, o);
        return [values, measures];
      },
      reference: reference(o, true),
    })),
    errors: [
      {
        title: 'no mixture',
        run: () => divergenceMeasures(zeros([2, 3]), zeros([2, 3]), { kind: 'skew-fkl' }),
        code: 'ERR_CONFIG',
        message: 'divergenceMeasures: mix is out of range; got NaN, wanted a number from 0 to 1',
      },
    ],
  },
  {
    name: 'divergenceWithGradient',
    cases: [
      ...all.slice(0, 6),
      ...all.slice(8, 10),
      { kind: 'rkl', temperature: 2 } as const,
      { kind: 'jsd', mix: 0.3, overwrite: true } as const,
    ].map((o) => withGradient(o)),
    errors: [
      {
        title: 'an upstream of another length',
        run: () => divergenceWithGradient(zeros([2, 3]), zeros([2, 3]), zeros([3]), { kind: 'fkl' }),
        code: 'ERR_SHAPE',
        message: 'divergenceWithGradient: upstream has the wrong shape; got [3], wanted [2]',
      },
    ],
  },
  {
    name: 'divergencePart',
    cases: partsOf.map((o) => inParts(o, 'sums')),
    errors: [
      {
        title: 'normalizers of another number of rows',
        run: () => divergencePart(zeros([2, 3]), zeros([2, 3]), zeros([3, 2]), { kind: 'fkl' }),
        code: 'ERR_SHAPE',
        message: 'divergencePart: normalizers has the wrong shape; got [3,2], wanted [2,2]',
      },
    ],
  },
  {
    name: 'divergencePartGradient',
    cases: partsOf.map((o) => inParts(o, 'gradient')),
    errors: [
      {
        title: 'sums of another width',
        run: () => {
          const normalizers = zeros([2, 2]) as Tensor2D;
          const given = { normalizers, sums: zeros([2, 5]) as Tensor2D, upstream: zeros([2]) as Tensor1D };
          return divergencePartGradient(zeros([2, 3]), zeros([2, 3]), given, { kind: 'fkl' });
        },
        code: 'ERR_SHAPE',
        message: 'divergencePartGradient: sums has the wrong shape; got [2,5], wanted [2,6]',
      },
    ],
  },
];
