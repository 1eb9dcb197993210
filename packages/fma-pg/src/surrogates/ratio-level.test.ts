import { readFileSync } from 'node:fs';
import { useBackend } from '@gimbal/tensor-core';
import { grad, type Scalar, type Tensor, type Tensor2D, tensor1d, tensor2d, zerosLike } from '@tensorflow/tfjs-core';
import { tokenPresets } from '../tokens/token-presets.ts';
import type { RatioLevel, Surrogate } from './surrogate.ts';
import { surrogates } from './surrogates.ts';

beforeAll(() => useBackend('auto'));

/** Completions of 3, 2, 1 and 3 tokens: log-ratios, 0 at padding, and one advantage each. */
const rows = [[0.1, -0.2, 0.25], [0.2, 0.15], [-0.4], [-0.1, -0.1, -0.3]];
const advantages = [1.5, 2, 1, -0.5];
const epsilon = 0.2;

const padded = (of: readonly (readonly number[])[]): number[][] => of.map((r) => [0, 1, 2].map((t) => r[t] ?? 0));
const mask = padded(rows.map((r) => r.map(() => 1)));
const spread = padded(rows.map((r, b) => r.map(() => advantages[b] as number)));

/** −mean over completions of f(ρ, A), in float64. */
function wanted(level: RatioLevel, f: (ratio: number, A: number) => number, x: readonly (readonly number[])[]): number {
  const each = x.map((r, b) => {
    const sum = r.reduce((a, v) => a + v, 0);
    return f(Math.exp(level === 'sequence' ? sum : sum / r.length), advantages[b] as number);
  });
  return -each.reduce((a, v) => a + v, 0) / x.length;
}

const formulas = {
  ppoClip: (ratio: number, A: number) => Math.min(ratio * A, Math.min(Math.max(ratio, 1 - epsilon), 1 + epsilon) * A),
  ratio: (ratio: number, A: number) => ratio * A,
  sppo: (ratio: number, A: number) => {
    const [x, band] = [Math.log(ratio), Math.log1p(epsilon)];
    return Math.min(A * x, A * Math.min(Math.max(x, -band), band));
  },
};

const lossOf = (s: Surrogate, x: Tensor, A = tensor2d(spread), m = tensor2d(mask)): Scalar =>
  s({ logProbs: x, oldLogProbs: zerosLike(x), advantages: A, mask: m }).loss;

describe.each(Object.entries(formulas))('%s', (name, f) => {
  test.each(['sequence', 'geometric'] as const)('one ratio a completion, %s: value and gradient', (ratioLevel) => {
    const s = surrogates[name as keyof typeof formulas]({ ratioLevel });
    const x = tensor2d(padded(rows));
    expect(lossOf(s, x).dataSync()[0]).toBeCloseTo(wanted(ratioLevel, f, rows), 6);
    const gradient = grad((t: Tensor) => lossOf(s, t))(x).arraySync() as number[][];
    const h = 1e-6;
    for (const [b, row] of rows.entries()) {
      for (const t of [0, 1, 2]) {
        if (t >= row.length) {
          expect(gradient[b]?.[t]).toBeCloseTo(0, 12);
          continue;
        }
        const at = (by: number) => rows.map((r, c) => r.map((v, u) => (c === b && u === t ? v + by : v)));
        const slope = (wanted(ratioLevel, f, at(h)) - wanted(ratioLevel, f, at(-h))) / (2 * h);
        expect(gradient[b]?.[t]).toBeCloseTo(slope, 6);
      }
    }
  });
});

test('rloo’s loss is TRL’s, also away from the policy that sampled', () => {
  const golden = JSON.parse(readFileSync(new URL('../../test/golden/rloo-trl.json', import.meta.url), 'utf8')) as {
    lengths: number[];
    logProbs: number[];
    oldLogProbs: number[];
    advantages: number[];
    loss: number;
    gradient: number[];
  };
  const table = (values: readonly number[]): Tensor2D => tensor2d([...values], [6, 4]);
  const ofRows = (f: (b: number, t: number) => number): Tensor2D =>
    table(Array.from({ length: 24 }, (_, i) => f(Math.floor(i / 4), i % 4)));
  const counts = (b: number, t: number): boolean => t < (golden.lengths[b] as number);
  const input = {
    oldLogProbs: table(golden.oldLogProbs),
    mask: ofRows((b, t) => (counts(b, t) ? 1 : 0)),
    advantages: ofRows((b, t) => (counts(b, t) ? (golden.advantages[b] as number) : 0)),
  };
  const { surrogate } = tokenPresets.rloo();
  const f = (logProbs: Tensor): Scalar => (surrogate as Surrogate)({ ...input, logProbs }).loss;
  const now = table(golden.logProbs);
  expect(f(now).dataSync()[0]).toBeCloseTo(golden.loss, 6);
  const gradient = grad(f)(now).dataSync();
  for (const [i, g] of golden.gradient.entries()) expect(gradient[i]).toBeCloseTo(g, 6);
});

test('what is logged: shares and the largest ratio of completions, the KL of tokens', () => {
  const s = surrogates.ppoClip({ ratioLevel: 'sequence' });
  const x = tensor2d(padded(rows));
  const { stats } = s({ logProbs: x, oldLogProbs: zerosLike(x), advantages: tensor2d(spread), mask: tensor2d(mask) });
  const read = (t: Scalar): number => t.dataSync()[0] as number;
  // sums .15, .35, −.4, −.5: ratios 1.16 in the band of .8 to 1.2, the others outside
  expect(read(stats.clipFraction)).toBeCloseTo(3 / 4, 6);
  expect(read(stats.ratioMax)).toBeCloseTo(Math.exp(0.35), 5);
  const k3 = (r: readonly number[]): number => r.reduce((a, v) => a + Math.expm1(v) - v, 0) / r.length;
  expect(read(stats.klForward)).toBeCloseTo(rows.reduce((a, r) => a + k3(r), 0) / 4, 6);
  expect(s.options).toEqual({ ratioLevel: 'sequence', aggregate: 'sequence-mean' });
});

test('a completion without tokens counts 0, as in the other means; a mask is not needed', () => {
  const s = surrogates.ppoClip({ ratioLevel: 'geometric' });
  const x = tensor2d([
    [0.1, 0.3],
    [0, 0],
  ]);
  const A = tensor2d([
    [1, 1],
    [0, 0],
  ]);
  const m = tensor2d([
    [1, 1],
    [0, 0],
  ]);
  expect(lossOf(s, x, A, m).dataSync()[0]).toBeCloseTo(-1.2 / 2, 6);
  const whole = s({ logProbs: x, oldLogProbs: zerosLike(x), advantages: A }).loss;
  expect(whole.dataSync()[0]).toBeCloseTo(-1.2 / 2, 6);
});

test('rows that are none, choices that are none, and surrogates whose KL is of tokens', () => {
  const x = tensor1d([0.1]);
  const input = { logProbs: x, oldLogProbs: x, advantages: x };
  expect(() => surrogates.ppoClip({ ratioLevel: 'sequence' })(input)).toThrow(
    "ppoClip.ratioLevel: a ratio 'sequence' is of a row; got [1], wanted [B, T]",
  );
  expect(() => surrogates.ppoClip({ ratioLevel: 'row' as never })).toThrow('ppoClip.ratioLevel: no such choice');
  expect(() => surrogates.mdpo({ ratioLevel: 'sequence' } as never)).toThrow('mdpo: unknown option ratioLevel');
});
