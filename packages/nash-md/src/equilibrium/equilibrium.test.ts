import { rng } from '@gimbal/tensor-core';
import { apart, distribution, randomGame, refusal, skewed } from '../../test/helpers.ts';
import { preferenceGames } from '../games/preference-games.ts';
import { type PreferenceMatrix, preferenceMatrix } from '../games/preference-matrix.ts';
import { regularizedGame } from '../games/regularized-game.ts';
import { bestResponse, dualityGap, exploitability, klDivergence } from '../measures/measures.ts';
import { iterate } from '../solvers/iterate.ts';
import { geometricMixture, mixtureFixedPoint } from './mixture.ts';
import { solveNashLP } from './nash-lp.ts';
import { solveExact } from './solve-exact.ts';

const { cyclic, dice, annotatorTypes, bradleyTerry, random } = preferenceGames;

// of an independent float64 implementation
test.each([
  ['R(1)', cyclic(1), 1, [0.714498, 0.151406, 0.134097]],
  ['R(1)', cyclic(1), 0.5, [0.690341, 0.125919, 0.183739]],
  ['R(1)', cyclic(1), 0.1, [0.417154, 0.21133, 0.371515]],
  ['R(1)', cyclic(1), 0.01, [0.338378, 0.320303, 0.341319]],
  ['dice', dice(), 0.1, [0.71358, 0.147462, 0.138958]],
  ['dice', dice(), 0.01, [0.405988, 0.221789, 0.372223]],
  ['annotator types', annotatorTypes(0.1), 0.1, [0.566052, 0.361461, 0.072487]],
] as const)('equilibrium of %s, τ = %#', (_name, P, tau, wanted) => {
  const { policy, residual } = solveExact(regularizedGame(P, tau, skewed));
  expect(residual).toBeLessThanOrEqual(1e-12);
  expect(apart(policy, Float64Array.from(wanted))).toBeLessThanOrEqual(6e-7);
});

test('two responses: log π₁/π₂ = log μ₁/μ₂ + (P₁₂ − ½)/τ', () => {
  const game = regularizedGame(
    preferenceMatrix([
      [0.5, 0.8],
      [0.2, 0.5],
    ]),
    0.3,
    [0.25, 0.75],
  );
  const [a, b] = solveExact(game).policy as unknown as [number, number];
  expect(Math.log(a / b)).toBeCloseTo(Math.log(1 / 3) + 0.3 / 0.3, 13);
});

test('on random games of 2 to 40 responses: a best response to itself, found by extragradient too', () => {
  for (const [k, n] of [2, 3, 5, 10, 40].entries()) {
    for (const tau of [1, 0.1, 0.01]) {
      const game = randomGame(n, tau, rng(k).split(tau * 100));
      const { policy, residual } = solveExact(game);
      expect(residual).toBeLessThanOrEqual(Math.max(1e-12, (1e-14 * n) / tau));
      expect(apart(bestResponse(game, policy), policy)).toBeLessThanOrEqual(1e-11);
      expect(dualityGap(game, policy)).toBeLessThanOrEqual(1e-12);
      let last = game.ref;
      for (const step of iterate(game, { solver: 'extragradient', eta: 1 / (tau + 0.5), steps: 4000, every: 4000 }))
        last = step.policy;
      expect(dualityGap(game, last)).toBeLessThanOrEqual(1e-12);
      expect(klDivergence(policy, last)).toBeLessThanOrEqual(1e-11);
    }
  }
});

test('a response that the reference excludes is out of the game', () => {
  const P = random(4, rng(3));
  const full = solveExact(regularizedGame(P, 0.1, [0.5, 0, 0.2, 0.3])).policy;
  const keep = [0, 2, 3];
  const rows = keep.map((i) => keep.map((j) => P.p[i * 4 + j] as number));
  const small = solveExact(regularizedGame(preferenceMatrix(rows), 0.1, [0.5, 0.2, 0.3])).policy;
  expect(full[1]).toBe(0);
  expect(
    apart(
      Float64Array.from(keep, (i) => full[i] as number),
      small,
    ),
  ).toBeLessThanOrEqual(1e-14);
});

/** All equilibria that make a set of rows even and lose to nobody, by trying every support: up to n = 6. */
function byEnumeration({ n, p }: PreferenceMatrix): Float64Array | undefined {
  for (let mask = 1; mask < 1 << n; mask++) {
    const inside = Array.from({ length: n }, (_, i) => i).filter((i) => (mask >> i) & 1);
    // kernel of the margins on the support, by Gauss–Jordan with Σ π = 1 in place of the last row
    const m = inside.length;
    const a = inside.map((i) => [...inside.map((j) => (p[i * n + j] as number) - 0.5), 0]);
    a[m - 1] = [...inside.map(() => 1), 1];
    if (!eliminate(a)) continue;
    const policy = new Float64Array(n);
    for (const [k, i] of inside.entries()) policy[i] = a[k]?.[m] as number;
    if (
      policy.every((x) => x > -1e-9) &&
      exploitability(
        { n, p },
        policy.map((x) => Math.max(x, 0)),
      ) < 1e-9
    )
      return policy;
  }
  return undefined;
}

function eliminate(a: number[][]): boolean {
  const m = a.length;
  for (let k = 0; k < m; k++) {
    const pivot = a
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k] as number) > Math.abs(a[best]?.[k] as number) ? k + i : best), k);
    if (Math.abs(a[pivot]?.[k] as number) < 1e-9) return false;
    [a[k], a[pivot]] = [a[pivot] as number[], a[k] as number[]];
    const row = a[k] as number[];
    const scale = row[k] as number;
    for (let j = 0; j <= m; j++) row[j] = (row[j] as number) / scale;
    for (let i = 0; i < m; i++) {
      const factor = a[i]?.[k] as number;
      if (i !== k)
        for (let j = 0; j <= m; j++) (a[i] as number[])[j] = (a[i]?.[j] as number) - factor * (row[j] as number);
    }
  }
  return true;
}

test('linear programming finds the equilibrium that trying every support finds', () => {
  // generic margins: the equilibrium is unique
  for (let seed = 0; seed < 40; seed++) {
    const P = random(2 + (seed % 5), rng(seed));
    const { policy, value } = solveNashLP(P);
    expect(value).toBeCloseTo(0.5, 12);
    expect(apart(policy, byEnumeration(P) as Float64Array)).toBeLessThanOrEqual(1e-9);
  }
});

test('a 3-cycle with margins a, b, c has the equilibrium (b, c, a), a ranking its winner', () => {
  const P = preferenceMatrix([
    [0.5, 0.6, 0.2],
    [0.4, 0.5, 0.7],
    [0.8, 0.3, 0.5],
  ]); // margins .1, .2, .3
  expect(apart(solveNashLP(P).policy, Float64Array.of(2 / 6, 3 / 6, 1 / 6))).toBeLessThanOrEqual(1e-14);
  expect(solveNashLP(bradleyTerry(Float64Array.of(0, 3, 1, 2))).policy).toEqual(Float64Array.of(0, 1, 0, 0));
  // many equilibria: any will do
  expect(exploitability(cyclic(0.9, 8), solveNashLP(cyclic(0.9, 8)).policy)).toBeLessThanOrEqual(1e-12);
  expect(exploitability(random(80, rng(1)), solveNashLP(random(80, rng(1))).policy)).toBeLessThanOrEqual(1e-10);
});

test('as τ falls the regularised equilibrium goes to the Nash equilibrium, as it grows to the reference', () => {
  const P = random(6, rng(9));
  const nash = solveNashLP(P).policy;
  const ref = distribution(6, rng(10));
  const distances = [0.1, 0.01, 0.001].map((tau) => apart(solveExact(regularizedGame(P, tau, ref)).policy, nash));
  expect(distances[1]).toBeLessThan(distances[0] as number);
  expect(distances[2]).toBeLessThan(0.01);
  expect(apart(solveExact(regularizedGame(P, 1e4, ref)).policy, ref)).toBeLessThan(1e-4);
});

test('the geometric mixture, by hand', () => {
  const [policy, ref] = [Float64Array.of(0.9, 0.1), Float64Array.of(0.5, 0.5)];
  expect(geometricMixture(policy, ref, 0)).toEqual(policy);
  expect(geometricMixture(policy, ref, 1)).toEqual(ref);
  // .9^¾ .5^¼ : .1^¾ .5^¼ = 9^¾ : 1
  const odds = 9 ** 0.75;
  expect(apart(geometricMixture(policy, ref, 0.25), Float64Array.of(odds / (1 + odds), 1 / (1 + odds)))).toBeLessThan(
    1e-15,
  );
  expect(geometricMixture(policy, ref, 0.25)[0]).toBeCloseTo(0.83861, 5);
  expect(geometricMixture(Float64Array.of(1, 0), ref, 0.5)).toEqual(Float64Array.of(1, 0));
  expect(refusal(() => geometricMixture(Float64Array.of(1, 0), Float64Array.of(0, 1), 0.5))).toMatch(
    'no response in common',
  );
  expect(refusal(() => geometricMixture(policy, ref, 1.5))).toMatch('mixtureCoef: out of range; got 1.5');
});

test('F_β is the best response to its own mixture with μ, and that mixture an equilibrium for τ/(1 − β)', () => {
  const game = regularizedGame(cyclic(1), 0.1, skewed);
  for (const beta of [0, 0.125, 0.375, 0.75]) {
    const policy = mixtureFixedPoint(game, beta);
    const mixture = geometricMixture(policy, game.ref, beta);
    expect(apart(bestResponse(game, mixture), policy)).toBeLessThanOrEqual(1e-14);
    expect(apart(mixture, solveExact({ ...game, tau: 0.1 / (1 - beta) }).policy)).toBeLessThanOrEqual(1e-14);
  }
  expect(mixtureFixedPoint(game, 1)).toEqual(bestResponse(game, game.ref));
  const gaps = [0.125, 0.375, 0.75, 1].map((beta) => dualityGap(game, mixtureFixedPoint(game, beta)));
  expect(gaps.map((gap) => Number(gap.toFixed(4)))).toEqual([0.0107, 0.16, 0.4991, 0.1936]);
});

test('τ = 0 and tolerances that cannot be kept are refused', () => {
  const game = regularizedGame(cyclic(1), 0);
  expect(refusal(() => solveExact(game))).toBe(
    'ERR_CONFIG: game, tau: out of range; got 0, wanted a finite number > 0. Without regularisation use solveNashLP, or the solvers mwu, omwu and extragradient with tau 0.',
  );
  expect(refusal(() => mixtureFixedPoint(game, 0.5))).toMatch('game, tau: out of range; got 0');
  expect(refusal(() => solveExact(regularizedGame(random(9, rng(1)), 0.01), { tol: 1e-30 }))).toMatch(
    'ERR_NUMERICAL: solveExact: Newton',
  );
});

test('KL(π‖π^β) = β KL(π‖μ) − c, so one gradient step away from the frozen mixture is β steps away from μ', () => {
  const stream = rng(5);
  for (const beta of [0.125, 0.5, 0.9]) {
    const [policy, mu, other] = [0, 1, 2].map(() => distribution(4, stream)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const mixture = geometricMixture(policy, mu, beta);
    // log π^β = (1 − β) log π + β log μ + c, c = −log Σ π^(1−β) μ^β
    const c = -Math.log(policy.reduce((t, p, i) => t + p ** (1 - beta) * (mu[i] as number) ** beta, 0));
    expect(klDivergence(policy, mixture)).toBeCloseTo(beta * klDivergence(policy, mu) - c, 13);
    // the mixture of π held, towards another policy: π (1 + e (other/π − 1))
    const slope = (to: Float64Array): number => {
      const at = (e: number): number =>
        klDivergence(
          policy.map((p, i) => p + e * ((other[i] as number) - p)),
          to,
        );
      return (at(1e-4) - at(-1e-4)) / 2e-4;
    };
    expect(slope(mixture)).toBeCloseTo(beta * slope(mu), 6);
  }
});
