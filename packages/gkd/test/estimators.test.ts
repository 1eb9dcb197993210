/**
 * Gradients by enumeration: three tokens, three steps, every completion. The semi-gradient of the reverse KL is the
 * own-token score function; γ 1 gives the exact gradient (gkd.md, section 2.5).
 */
import { rng, useBackend } from '@gimbal/tensor-core';
import { futureCoefficients, rewardCoefficients, wholeCoefficients } from '../src/training/credit.ts';
import { type Example, type MicroBatch, microBatch } from '../src/training/examples.ts';
import { mixWeightsOf } from '../src/training/mix-weights.ts';

await useBackend('auto');

const [V, T] = [3, 3];
const completions = Array.from({ length: V ** T }, (_, k) => [Math.floor(k / 9), Math.floor(k / 3) % 3, k % 3]);
const prefixOf = (tokens: readonly number[]): number => tokens.reduce((code, t) => code * V + t + 1, 0);
const rows = prefixOf([2, 2]) + 1;

const softmax = (z: readonly number[]): number[] => {
  const total = z.reduce((s, x) => s + Math.exp(x), 0);
  return z.map((x) => Math.exp(x) / total);
};
const table = (draw: ReturnType<typeof rng>): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: V }, () => draw.normal()));
const kl = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((s, x, i) => s + x * Math.log(x / (b[i] as number)), 0);

/** E Σ_n KL(q_n‖p_n), every completion counted. */
function objective(z: number[][], p: number[][], weight: (n: number) => number): number {
  let total = 0;
  for (const y of completions) {
    let chance = 1;
    for (let n = 0; n < T; n++) {
      const q = softmax(z[prefixOf(y.slice(0, n))] as number[]);
      chance *= q[y[n] as number] as number;
    }
    for (let n = 0; n < T; n++) {
      const s = prefixOf(y.slice(0, n));
      total += chance * weight(n) * kl(softmax(z[s] as number[]), softmax(p[s] as number[]));
    }
  }
  return total;
}

/** Of one completion: D at each position, and the batch that asks for its coefficients. */
const batchOf = (own: boolean): MicroBatch =>
  ({ examples: [{ own, completion: new Int32Array(T) }], owners: new Int32Array(T) }) as unknown as MicroBatch;

/** Σ_y q(y) Σ_n [w ∂D_n + c_n ∇log q_n], the trainer's gradient in expectation. */
function expected(z: number[][], p: number[][], discount: number, wholeMean: boolean): number[] {
  const weights = new Float32Array(T).fill(wholeMean ? 1 / T : 1);
  const out = new Array<number>(rows * V).fill(0);
  for (const y of completions) {
    const states = y.map((_, n) => prefixOf(y.slice(0, n)));
    const q = states.map((s) => softmax(z[s] as number[]));
    const chance = q.reduce((c, row, n) => c * (row[y[n] as number] as number), 1);
    const d = states.map((s, n) => kl(q[n] as number[], softmax(p[s] as number[])));
    const c =
      discount === 0
        ? new Float32Array(T)
        : futureCoefficients(batchOf(true), Float32Array.from(d), weights, { discount, wholeMean });
    for (const [n, s] of states.entries())
      for (let v = 0; v < V; v++) {
        const qv = (q[n] as number[])[v] as number;
        const r = Math.log(qv / (softmax(p[s] as number[])[v] as number));
        const direct = (weights[n] as number) * qv * (r - (d[n] as number));
        const score = (c[n] as number) * (Number(v === y[n]) - qv);
        out[s * V + v] = (out[s * V + v] as number) + chance * (direct + score);
      }
  }
  return out;
}

function exactGradient(z: number[][], p: number[][], weight: (n: number) => number): number[] {
  const h = 1e-5;
  return z.flatMap((row, s) =>
    row.map((_, v) => {
      const moved = (by: number): number =>
        objective(
          z.map((r, i) => (i === s ? r.map((x, j) => (j === v ? x + by : x)) : r)),
          p,
          weight,
        );
      return (moved(h) - moved(-h)) / (2 * h);
    }),
  );
}

const error = (a: readonly number[], b: readonly number[]): number =>
  Math.sqrt(a.reduce((s, x, i) => s + (x - (b[i] as number)) ** 2, 0) / b.reduce((s, x) => s + x * x, 0));

const draws = Array.from({ length: 8 }, (_, seed): [number, number[][], number[][]] => [
  seed,
  table(rng(seed).split('student')),
  table(rng(seed).split('teacher')),
]);

test.each(draws)('γ 1 is the exact gradient of E Σ D, γ 0 is not; draw %d', (_, z, p) => {
  const exact = exactGradient(z, p, () => 1);
  expect(error(expected(z, p, 1, false), exact)).toBeLessThan(1e-5);
  expect(error(expected(z, p, 0, false), exact)).toBeGreaterThan(0.1);
});

test('with the mean of each completion the coefficient is its whole mean', () => {
  const [, z, p] = draws[0] as [number, number[][], number[][]];
  expect(
    error(
      expected(z, p, 1, true),
      exactGradient(z, p, () => 1 / T),
    ),
  ).toBeLessThan(1e-5);
});

test('discounts by hand: D 1, 2, 4 with γ ½ give 2, 2, 0', () => {
  const c = futureCoefficients(batchOf(true), Float32Array.of(1, 2, 4), new Float32Array(3).fill(1), {
    discount: 0.5,
    wholeMean: false,
  });
  // ½ 2 + ¼ 4 = 2; ½ 4 = 2; nothing follows the last
  expect([...c]).toEqual([2, 2, 0]);
});

test('rewards .5, 2 and padding of 7: advantages 2.5, 2 and none where nothing was written', () => {
  const example = (length: number, own: boolean): Example => ({
    ...{ prompt: Int32Array.of(5), completion: new Int32Array(length).fill(3), row: '', group: 0, advantage: 0 },
    ...{ own, ended: true },
  });
  for (const width of [4, 22]) {
    const batch = microBatch([example(2, true), example(width, false)], 0);
    const padded = [0.5, 2, ...new Array(width - 2).fill(7)];
    const values = Float32Array.from(batch.places, (place) => padded[place] ?? 0);
    const ones = new Float32Array(values.length).fill(1);
    const later = futureCoefficients(batch, values, ones, { discount: 1, wholeMean: false });
    const advantages = new Float32Array(width);
    // of a sampled token: its own, and what follows
    for (const [r, place] of batch.places.entries())
      if (place < width) advantages[place] = (values[r] as number) + (later[r] as number);
    expect([...advantages]).toEqual([2.5, 2, ...new Array(width - 2).fill(0)]);
  }
});

test('a reward’s coefficient is −(r − b) at each token of its completion', () => {
  const batch = { examples: [{ advantage: 0.5 }, { advantage: -2 }], owners: Int32Array.of(0, 0, 1) };
  expect([...rewardCoefficients(batch as unknown as MicroBatch)]).toEqual([-0.5, -0.5, 2]);
});

test('completions of others have no such gradient', () => {
  const c = futureCoefficients(batchOf(false), Float32Array.of(1, 2, 4), new Float32Array(3).fill(1), {
    discount: 1,
    wholeMean: false,
  });
  expect([...c]).toEqual([0, 0, 0]);
});

test('weights of a mixture’s completions: expectations are those of the student’s own, by enumeration', () => {
  const [, z, p] = draws[1] as [number, number[][], number[][]];
  const share = 0.3;
  const value = (y: readonly number[]): number => y.reduce((s, v, n) => s + (n + 1) * (v + 0.5) ** 2, 0);
  let [whole, own, prefix, ownPrefix] = [0, 0, 0, 0];
  for (const y of completions) {
    const states = y.map((_, n) => prefixOf(y.slice(0, n)));
    const chance = (of: number[][]): number[] =>
      states.map((s, n) => softmax(of[s] as number[])[y[n] as number] as number);
    const [q, t] = [chance(z), chance(p)];
    const product = (x: readonly number[]): number => x.reduce((a, b) => a * b, 1);
    const mixed = q.map((x, n) => (1 - share) * x + share * (t[n] as number));
    const [logQ, logP] = [q.map(Math.log), t.map(Math.log)];
    const how = { kind: 'exact' as const, share };
    const all = mixWeightsOf(logQ, logP, { ...how, whole: true });
    const before = mixWeightsOf(logQ, logP, { ...how, whole: false });
    // a number of the whole completion, and one of each prefix, which the token behind it does not change
    whole += product(mixed) * (all[0] as number) * value(y);
    own += product(q) * value(y);
    const sums = (weights: ArrayLike<number>): number =>
      y.reduce((s, _, n) => s + (weights[n] as number) * value(y.slice(0, n)), 0);
    prefix += product(mixed) * sums(before);
    ownPrefix += product(q) * sums([1, 1, 1]);
    const tokens = mixWeightsOf(logQ, logP, { kind: 'token', share, whole: true });
    for (const [n, w] of tokens.entries()) {
      expect(w).toBeCloseTo((q[n] as number) / (mixed[n] as number), 5);
      expect(w).toBeLessThanOrEqual(1 / (1 - share));
    }
  }
  expect(whole).toBeCloseTo(own, 5);
  expect(prefix).toBeCloseTo(ownPrefix, 5);
});

test('counts of a mixture’s tokens: with the divergences behind, or with the token itself', () => {
  const batch = batchOf(true);
  const examples = batch.examples.map((e) => ({ ...e, counts: Float32Array.of(2, 3, 5) }));
  const d = Float32Array.of(1, 2, 4);
  const of = (o: { wholeMean: boolean; ownCounts?: boolean }): number[] => [
    ...futureCoefficients({ ...batch, examples }, d, Float32Array.of(1, 1, 1), { discount: 1, ...o }),
  ];
  expect(of({ wholeMean: false })).toEqual([26, 20, 0]);
  expect(of({ wholeMean: false, ownCounts: true })).toEqual([12, 12, 0]);
  expect(of({ wholeMean: true })).toEqual([28, 28, 28]);
});

test('stretches of text: scores of whole completions give the exact gradient, scores of stretches do not', () => {
  const [, z, p] = draws[2] as [number, number[][], number[][]];
  // the teacher reads 0 0 as one token, from the left; its law of texts is the same
  const stretchesOf = (y: readonly number[]): number[] => {
    const out: number[] = [];
    for (let n = 0, s = 0; n < T; s++) {
      const two = y[n] === 0 && y[n + 1] === 0;
      out.push(s, ...(two ? [s] : []));
      n += two ? 2 : 1;
    }
    return out;
  };
  const ratios = (of: number[][], y: readonly number[]): number[] =>
    y.map((v, n) => {
      const s = prefixOf(y.slice(0, n));
      return Math.log((softmax(of[s] as number[])[v] as number) / (softmax(p[s] as number[])[v] as number));
    });
  const chanceOf = (of: number[][], y: readonly number[]): number =>
    y.reduce((c, v, n) => c * (softmax(of[prefixOf(y.slice(0, n))] as number[])[v] as number), 1);
  const weights = new Float32Array(T).fill(1 / T);
  const mean = (of: number[][]): number =>
    completions.reduce((sum, y) => sum + (chanceOf(of, y) * ratios(of, y).reduce((a, b) => a + b, 0)) / T, 0);
  const estimate = (scores: (r: number[], y: readonly number[]) => ArrayLike<number>): number[] => {
    const out = new Array<number>(rows * V).fill(0);
    for (const y of completions) {
      const c = scores(ratios(z, y), y);
      for (let n = 0; n < T; n++) {
        const s = prefixOf(y.slice(0, n));
        const q = softmax(z[s] as number[]);
        for (let v = 0; v < V; v++)
          out[s * V + v] =
            (out[s * V + v] as number) + chanceOf(z, y) * (c[n] as number) * (Number(v === y[n]) - (q[v] as number));
      }
    }
    return out;
  };
  const h = 1e-5;
  const exact = z.flatMap((row, s) =>
    row.map((_, v) => {
      const moved = (by: number): number =>
        mean(z.map((r, i) => (i === s ? r.map((x, j) => (j === v ? x + by : x)) : r)));
      return (moved(h) - moved(-h)) / (2 * h);
    }),
  );
  const whole = estimate((r) => wholeCoefficients(r, weights, new Int32Array(T)));
  expect(error(whole, exact)).toBeLessThan(1e-5);
  const byStretch = estimate((r, y) => {
    const spans = stretchesOf(y);
    return r.map((_, n) => r.reduce((sum, x, m) => sum + (spans[m] === spans[n] ? x / T : 0), 0));
  });
  expect(error(byStretch, exact)).toBeGreaterThan(0.1);
});

test('a completion’s score is less the mean of the others’, by hand', () => {
  // sums 3, 5, 1: less (5 + 1) / 2, (3 + 1) / 2, (3 + 5) / 2
  const c = wholeCoefficients([1, 2, 5, 2], Float32Array.of(1, 1, 1, 0.5), Int32Array.of(0, 0, 1, 2));
  expect([...c]).toEqual([0, 0, 3, -3]);
});
