import { add, type Tensor, type Tensor1D, type Tensor2D, zeros } from '@tensorflow/tfjs-core';
import { type DivergenceOptions, divergence, divergenceMeasures, divergenceWithGradient } from '../divergence.ts';
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
];
