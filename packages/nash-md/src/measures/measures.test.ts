import { rng } from '@gimbal/tensor-core';
import { distribution, randomGame, refusal, skewed } from '../../test/helpers.ts';
import { solveExact } from '../equilibrium/solve-exact.ts';
import { preferenceGames } from '../games/preference-games.ts';
import { regularizedGame } from '../games/regularized-game.ts';
import {
  bestResponse,
  dualityGap,
  exploitability,
  klDivergence,
  policyMatrix,
  regularizedPayoff,
  tilt,
  winProbability,
} from './measures.ts';

const uniform = Float64Array.of(1 / 3, 1 / 3, 1 / 3);

test('on rock, paper, scissors, by hand', () => {
  const P = preferenceGames.cyclic(1);
  // against (½, ½, 0): the third wins ½ · 0 + … P(3 ≻ 1) = 1, P(3 ≻ 2) = 0: ½; the first ½·½ + ½·1 = ¾
  expect(exploitability(P, Float64Array.of(0.5, 0.5, 0))).toBe(0.25);
  expect(exploitability(P, uniform)).toBeCloseTo(0, 15);
  expect(winProbability(P, Float64Array.of(1, 0, 0), Float64Array.of(0, 0.5, 0.5))).toBe(0.5);
  expect(dualityGap({ P, ref: uniform, tau: 0 }, Float64Array.of(0.5, 0.5, 0))).toBe(0.5);
  // one response against itself only: its regularised gap is 2τ KL(π‖μ) + 2(τ log Σ μ exp(P/τ) − ½)
  const tau = 0.5;
  const sum = (Math.exp(0.5 / tau) + Math.exp(0 / tau) + Math.exp(1 / tau)) / 3;
  const wanted = 2 * (tau * Math.log(sum) + tau * Math.log(3) - 0.5);
  expect(dualityGap({ P, ref: uniform, tau }, Float64Array.of(1, 0, 0))).toBeCloseTo(wanted, 14);
  expect(bestResponse({ P, ref: uniform, tau: 0 }, Float64Array.of(1, 0, 0))).toEqual(Float64Array.of(0, 0, 1));
});

test('the gap is what the best responses win: max_a P_τ(a ≻ π) − min_b P_τ(π ≻ b)', () => {
  for (let seed = 0; seed < 20; seed++) {
    const game = randomGame(2 + (seed % 6), 0.03 + 0.1 * seed, rng(seed));
    const policy = distribution(game.P.n, rng(seed).split('policy'));
    const best = bestResponse(game, policy);
    const gap = regularizedPayoff(game, best, policy) - regularizedPayoff(game, policy, best);
    expect(dualityGap(game, policy)).toBeCloseTo(gap, 12);
    // and no other response wins more
    for (let k = 0; k < 50; k++) {
      const other = distribution(game.P.n, rng(seed).split(k));
      expect(regularizedPayoff(game, other, policy)).toBeLessThanOrEqual(regularizedPayoff(game, best, policy) + 1e-12);
    }
  }
});

test('the equilibrium wins ½ + τ KL(π‖π*) against any π, and any π wins ½ against itself', () => {
  for (let seed = 0; seed < 10; seed++) {
    const game = randomGame(5, 0.2, rng(seed));
    const exact = solveExact(game).policy;
    for (let k = 0; k < 10; k++) {
      const policy = distribution(5, rng(seed).split(k));
      const wanted = 0.5 + game.tau * klDivergence(policy, exact);
      expect(regularizedPayoff(game, exact, policy)).toBeCloseTo(wanted, 13);
      expect(regularizedPayoff(game, policy, policy)).toBeCloseTo(0.5, 14);
    }
  }
});

test('KL by hand, also where it is tiny or infinite', () => {
  expect(klDivergence(Float64Array.of(0.5, 0.5), Float64Array.of(0.25, 0.75))).toBeCloseTo(
    Math.log(2) - 0.5 * Math.log(3),
    15,
  );
  expect(klDivergence(Float64Array.of(1, 0), Float64Array.of(0.5, 0.5))).toBeCloseTo(Math.log(2), 15);
  expect(klDivergence(Float64Array.of(0.5, 0.5), Float64Array.of(1, 0))).toBe(Number.POSITIVE_INFINITY);
  expect(klDivergence(skewedPolicy, skewedPolicy)).toBe(0);
  // δ in one entry against the other: δ²(1/p + 1/q)/2 to leading order
  const d = 1e-9;
  expect(klDivergence(Float64Array.of(0.5, 0.5), Float64Array.of(0.5 + d, 0.5 - d)) / (2 * d * d)).toBeCloseTo(1, 6);
  expect(refusal(() => klDivergence(uniform, Float64Array.of(1)))).toMatch('lengths differ');
});

const skewedPolicy = Float64Array.from(skewed);

test('tilting: μ exp(v/τ), normalised, however large v/τ', () => {
  const odds = [0.7 * Math.exp(0), 0.2 * Math.exp(2), 0.1 * Math.exp(-2)];
  const total = odds.reduce((a, b) => a + b);
  const tilted = tilt(skewedPolicy, Float64Array.of(0, 1, -1), 0.5);
  for (const [i, x] of odds.entries()) expect(tilted[i]).toBeCloseTo(x / total, 15);
  expect(tilt(skewedPolicy, Float64Array.of(0, 1, -1), 1e-4)).toEqual(Float64Array.of(0, 1, 0));
  expect(tilt(Float64Array.of(1, 0), Float64Array.of(0, 1000), 1e-3)).toEqual(Float64Array.of(1, 0));
  expect(refusal(() => tilt(skewedPolicy, Float64Array.of(0, 1), 1))).toMatch('tilt, values: do not fit');
  expect(refusal(() => tilt(skewedPolicy, Float64Array.of(0, 1, 2), 0))).toMatch('tilt, tau: out of range; got 0');
});

test('the matrix of policies of a game: their win probabilities, with their names', () => {
  const P = preferenceGames.cyclic(1);
  const { p, labels } = policyMatrix(P, { rock: Float64Array.of(1, 0, 0), rest: Float64Array.of(0, 0.75, 0.25) });
  expect(labels).toEqual(['rock', 'rest']);
  expect(Array.from(p)).toEqual([0.5, 0.75, 0.25, 0.5]);
});

test('a policy with a response that the reference excludes is refused', () => {
  const game = regularizedGame(preferenceGames.cyclic(1), 0.1, [0.5, 0.5, 0]);
  expect(refusal(() => dualityGap(game, uniform))).toMatch(
    /ERR_DATA: policy, entry 2: the reference gives this response probability 0, the policy does not/,
  );
  expect(dualityGap(game, solveExact(game).policy)).toBeLessThan(1e-14);
  expect(refusal(() => exploitability(game.P, Float64Array.of(1)))).toMatch('policy: wrong length; got 1, wanted 3');
});

test('KL to a distribution that is almost 0 somewhere is large, exact and finite', () => {
  const half = Float64Array.of(0.5, 0.5);
  for (const q of [1e-6, 1e-12, 1e-17, 1e-300]) {
    const wanted = 0.5 * (Math.log(0.5) - Math.log1p(-q)) + 0.5 * (Math.log(0.5) - Math.log(q));
    expect(klDivergence(half, Float64Array.of(1 - q, q)) / wanted).toBeCloseTo(1, 12);
    expect(klDivergence(Float64Array.of(1 - q, q), half)).toBeCloseTo(Math.log(2) + q * (Math.log(q) - 1), 11);
    const game = regularizedGame(preferenceGames.cyclic(1), 0.1, [1 - q, q, 0]);
    expect(dualityGap(game, Float64Array.of(0.5, 0.5, 0))).toBeLessThan(2 * 0.1 * wanted + 2);
  }
  expect(tilt(half, Float64Array.of(1, 2), 1e-310)).toEqual(Float64Array.of(0, 1));
});

test('a divergence of what is no distribution is refused', () => {
  const half = Float64Array.of(0.5, 0.5);
  for (const bad of [Float64Array.of(Number.NaN, 1), Float64Array.of(-0.5, 1.5), Float64Array.of(2, 3)]) {
    expect(refusal(() => klDivergence(bad, half))).toMatch('klDivergence, p');
    expect(refusal(() => klDivergence(half, bad))).toMatch('klDivergence, q');
  }
});

test.each([2, 1e3, 1e8, 1e16, 1e100])(
  'the gap at τ = %d is 0 at the equilibrium, and as large as it is elsewhere',
  (tau) => {
    const game = randomGame(10, tau, rng(10));
    expect(Math.abs(dualityGap(game, solveExact(game).policy))).toBeLessThan(1e-14 * Math.max(1, tau * 1e-14));
    // gap(π) = 2 P_τ-advantage of the best response: at μ itself Var_μ(Pμ)/τ + O(1/τ²)
    const values = Array.from({ length: 10 }, (_, i) =>
      game.ref.reduce((sum, m, j) => sum + m * (game.P.p[i * 10 + j] as number), 0),
    );
    const mean = values.reduce((sum, v, i) => sum + (game.ref[i] as number) * v, 0);
    const variance = values.reduce((sum, v, i) => sum + (game.ref[i] as number) * (v - mean) ** 2, 0);
    if (tau >= 1e3 && tau <= 1e8) expect((dualityGap(game, game.ref) * tau) / variance).toBeCloseTo(1, 2);
  },
);
