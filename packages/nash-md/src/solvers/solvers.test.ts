// Each solver's step against its definition, written anew here from the problem it solves: maximisers are checked by
// their first-order condition, gradient steps by central differences.
import { rng } from '@gimbal/tensor-core';
import { apart, distribution, randomGame, refusal, skewed } from '../../test/helpers.ts';
import { geometricMixture, mixtureFixedPoint } from '../equilibrium/mixture.ts';
import { solveNashLP } from '../equilibrium/nash-lp.ts';
import { solveExact } from '../equilibrium/solve-exact.ts';
import { preferenceGames } from '../games/preference-games.ts';
import { type RegularizedGame, regularizedGame } from '../games/regularized-game.ts';
import { bestResponse, dualityGap, exploitability, klDivergence } from '../measures/measures.ts';
import { type IterateOptions, iterate, type TabularStep } from './iterate.ts';
import { solverAliases, solverNames } from './solver-options.ts';

const all = (g: RegularizedGame, o: IterateOptions): TabularStep[] => Array.from(iterate(g, o));
const last = (g: RegularizedGame, o: IterateOptions): TabularStep =>
  all(g, { every: o.steps, ...o }).at(-1) as TabularStep;
const game = randomGame(5, 0.3, rng(1));
const start = distribution(5, rng(2));
const { n, p } = game.P;
const against = (q: Float64Array): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => q.reduce((sum, x, j) => sum + (p[i * n + j] as number) * x, 0));
const normal = (logits: Float64Array): Float64Array => {
  const e = logits.map(Math.exp);
  const total = e.reduce((a, b) => a + b);
  return e.map((x) => x / total);
};
/** argmax_π Σ_k w_k (−KL(π‖π_k)) + η⟨π, v⟩: log π = (Σ w_k log π_k + ηv)/Σ w_k + const */
const proximal = (anchors: [number, Float64Array][], eta: number, values: Float64Array): Float64Array => {
  const total = anchors.reduce((sum, [w]) => sum + w, 0);
  return normal(
    values.map((v, i) => (eta * v + anchors.reduce((sum, [w, q]) => sum + w * Math.log(q[i] as number), 0)) / total),
  );
};
const one = (o: Partial<IterateOptions>, steps = 1): Float64Array[] =>
  all(game, { init: start, steps, ...o }).map((step) => step.policy);

describe('one step is what its definition says', () => {
  const [eta, tau, mu] = [0.4, game.tau, game.ref];
  const a = eta * tau;

  test('Nash-MD maximises η P(π ≻ mixture) − KL(π, mixture)', () => {
    const mixture = geometricMixture(start, mu, a);
    expect(
      apart(one({ solver: 'nash-md', eta })[1] as Float64Array, proximal([[1, mixture]], eta, against(mixture))),
    ).toBeLessThan(1e-15);
  });

  test('OMD has the same centre and π itself as opponent', () => {
    const wanted = proximal([[1, geometricMixture(start, mu, a)]], eta, against(start));
    for (const solver of ['omd', 'self-play', 'inpo'] as const)
      expect(apart(one({ solver, eta })[1] as Float64Array, wanted)).toBeLessThan(1e-15);
  });

  test('MWU maximises η P(π ≻ π_t) − KL(π, π_t)', () => {
    for (const solver of ['mwu', 'spo', 'sppo', 'dno'] as const)
      expect(apart(one({ solver, eta })[1] as Float64Array, proximal([[1, start]], eta, against(start)))).toBeLessThan(
        1e-15,
      );
  });

  test('MMD maximises η (P(π ≻ π_t) − τ KL(π, μ)) − KL(π, π_t), which is OMD with η/(1 + ητ)', () => {
    const step = one({ solver: 'mmd', eta })[1] as Float64Array;
    expect(
      apart(
        step,
        proximal(
          [
            [1, start],
            [a, mu],
          ],
          eta,
          against(start),
        ),
      ),
    ).toBeLessThan(1e-15);
    expect(apart(step, one({ solver: 'omd', eta: eta / (1 + a) })[1] as Float64Array)).toBeLessThan(1e-15);
  });

  test('optimistic MWU counts the last gain twice and takes the one before back', () => {
    const [, first, second] = one({ solver: 'omwu', eta }, 2) as [Float64Array, Float64Array, Float64Array];
    expect(apart(first, proximal([[1, geometricMixture(start, mu, a)]], eta, against(start)))).toBeLessThan(1e-15);
    const before = against(start);
    const guess = against(first).map((v, i) => 2 * v - (before[i] as number));
    expect(apart(second, proximal([[1, geometricMixture(first, mu, a)]], eta, guess))).toBeLessThan(1e-15);
  });

  test('extragradient steps from π_t against where half a step led', () => {
    const center: [number, Float64Array][] = [[1, geometricMixture(start, mu, a)]];
    const wanted = proximal(center, eta, against(proximal(center, eta, against(start))));
    expect(apart(one({ solver: 'extragradient', eta })[1] as Float64Array, wanted)).toBeLessThan(1e-15);
  });

  test('mirror-prox does the same with two proximal steps', () => {
    const anchors: [number, Float64Array][] = [
      [1, start],
      [a, mu],
    ];
    const wanted = proximal(anchors, eta, against(proximal(anchors, eta, against(start))));
    expect(apart(one({ solver: 'mirror-prox', eta })[1] as Float64Array, wanted)).toBeLessThan(1e-15);
  });

  test('Nash-EMA plays against a moving average of logits; with decay 0 it is OMD, with 1 it answers π_0 for ever', () => {
    const [, first, second] = one({ solver: 'nash-ema', eta, emaDecay: 0.75 }, 2) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const q = geometricMixture(start, first, 0.25);
    expect(apart(second, proximal([[1, geometricMixture(first, mu, a)]], eta, against(q)))).toBeLessThan(1e-15);
    const [ema, omd] = [one({ solver: 'nash-ema', eta, emaDecay: 0 }, 9), one({ solver: 'omd', eta }, 9)];
    expect(apart(ema[9] as Float64Array, omd[9] as Float64Array)).toBeLessThan(1e-14);
    const fixed = last(game, { solver: 'nash-ema', init: start, eta, emaDecay: 1, steps: 500 }).policy;
    expect(apart(fixed, bestResponse(game, start))).toBeLessThan(1e-14);
  });

  test('best responses, to the policy and to the average', () => {
    const [, first, second] = one({ solver: 'best-response' }, 2) as [Float64Array, Float64Array, Float64Array];
    expect(apart(first, bestResponse(game, start))).toBeLessThan(1e-15);
    expect(apart(second, bestResponse(game, first))).toBeLessThan(1e-15);
    const average = start.map((x, i) => (x + (first[i] as number)) / 2);
    const played = one({ solver: 'fictitious-play' }, 2)[2] as Float64Array;
    expect(apart(played, bestResponse(game, average))).toBeLessThan(1e-15);
    const pure = all({ ...game, tau: 0 }, { solver: 'fictitious-play', init: start, steps: 1 })[1]?.policy;
    expect(pure).toEqual(bestResponse({ ...game, tau: 0 }, start));
  });

  test('the magnet moves every K steps', () => {
    const steps = one({ solver: 'moving-magnet', eta, magnetEvery: 2 }, 4) as Float64Array[];
    const near = (t: number, magnet: Float64Array): number => {
      const before = steps[t - 1] as Float64Array;
      return apart(
        steps[t] as Float64Array,
        proximal(
          [
            [1, before],
            [a, magnet],
          ],
          eta,
          against(before),
        ),
      );
    };
    for (const [t, magnet] of [
      [1, mu],
      [2, mu],
      [3, steps[2]],
      [4, steps[2]],
    ] as [number, Float64Array][])
      expect(near(t, magnet)).toBeLessThan(1e-15);
  });
});

describe('gradient steps, against central differences', () => {
  const h = 1e-5;
  /** ∇f at z, by central differences */
  const numeric = (f: (z: Float64Array) => number, z: Float64Array): Float64Array =>
    z.map((_, k) => {
      const at = (d: number): number => f(z.map((v, i) => (i === k ? v + d : v)));
      return (at(h) - at(-h)) / (2 * h);
    });
  /** by how much the step moved the logits, mean removed */
  const moved = (o: Partial<IterateOptions>): Float64Array => {
    const d = (one(o)[1] as Float64Array).map((x, i) => Math.log(x / (start[i] as number)));
    const mean = d.reduce((sum, v) => sum + v, 0) / n;
    return d.map((v) => v - mean);
  };
  const centered = (v: Float64Array): Float64Array => {
    const mean = v.reduce((sum, x) => sum + x, 0) / n;
    return v.map((x) => x - mean);
  };
  const z = start.map(Math.log);

  test.each([0, 0.25, 1])('policy gradient of P(π ≻ mixture) − τ KL(π, μ), the mixture held, β = %p', (mixtureCoef) => {
    const values = against(geometricMixture(start, game.ref, mixtureCoef));
    const objective = (logits: Float64Array): number => {
      const policy = normal(logits);
      return (
        policy.reduce((sum, x, i) => sum + x * (values[i] as number), 0) - game.tau * klDivergence(policy, game.ref)
      );
    };
    const wanted = numeric(objective, z).map((v) => 0.5 * v);
    expect(apart(moved({ solver: 'policy-gradient', eta: 0.5, mixtureCoef }), centered(wanted))).toBeLessThan(1e-10);
  });

  /** E[P(h − 1/2τ)² + (1 − P)(h + 1/2τ)²] over pairs drawn independently from `from` */
  const ipoLoss =
    (from: Float64Array) =>
    (logits: Float64Array): number => {
      const logRatio = normal(logits).map((x, i) => Math.log(x / (game.ref[i] as number)));
      let total = 0;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const margin = (logRatio[i] as number) - (logRatio[j] as number);
          const win = p[i * n + j] as number;
          const target = 1 / (2 * game.tau);
          total +=
            (from[i] as number) *
            (from[j] as number) *
            (win * (margin - target) ** 2 + (1 - win) * (margin + target) ** 2);
        }
      }
      return total;
    };

  test('online IPO, pairs from the policy; IPO-MD, pairs from the mixture', () => {
    const eta = 0.01;
    const step = (from: Float64Array): Float64Array => centered(numeric(ipoLoss(from), z).map((v) => -eta * v));
    expect(apart(moved({ solver: 'online-ipo', eta }), step(start))).toBeLessThan(1e-10);
    const mixture = geometricMixture(start, game.ref, 0.4);
    expect(apart(moved({ solver: 'ipo-md', eta, mixtureCoef: 0.4 }), step(mixture))).toBeLessThan(1e-10);
    // the same direction as the policy gradient's, 4/τ times as long
    expect(
      apart(moved({ solver: 'online-ipo', eta }), moved({ solver: 'policy-gradient', eta: (4 * eta) / game.tau })),
    ).toBeLessThan(1e-14);
  });

  test('with pairs drawn uniformly, a gradient step lr on the squared margins is OMD with η = 4 lr/(τn)', () => {
    const lr = 0.05;
    const values = against(start);
    const loss = (logits: Float64Array): number => {
      const logRatio = normal(logits).map((x, i) => Math.log(x / (game.ref[i] as number)));
      let total = 0;
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const target = ((values[i] as number) - (values[j] as number)) / game.tau;
          total += ((logRatio[i] as number) - (logRatio[j] as number) - target) ** 2 / (n * n);
        }
      return total;
    };
    const wanted = normal(z.map((v, i) => v - lr * (numeric(loss, z)[i] as number)));
    expect(apart(one({ solver: 'omd', eta: (4 * lr) / (game.tau * n) })[1] as Float64Array, wanted)).toBeLessThan(1e-9);
  });

  test('the steps of SPPO, DNO and INPO minimise the regressions that define them', () => {
    const eta = 0.4;
    const values = against(start);
    // SPPO: Σ π_t (log π/π_t − η(P − ½))² over functions log π/π_t up to a constant; DNO: cross-entropy of σ(η gap)
    const next = one({ solver: 'sppo', eta })[1] as Float64Array;
    for (let i = 1; i < n; i++) {
      const gap =
        Math.log((next[i] as number) / (start[i] as number)) - Math.log((next[0] as number) / (start[0] as number));
      expect(gap).toBeCloseTo(eta * ((values[i] as number) - (values[0] as number)), 13);
    }
    // INPO: its regression target for y ≻ y' is P(y ≻ π_t) − P(y' ≻ π_t) times η, where η̂ = 1/η
    const inverse = 1 / eta;
    const inpo = one({ solver: 'inpo', eta })[1] as Float64Array;
    const ratio = (q: Float64Array, i: number): number => Math.log((q[i] as number) / (q[0] as number));
    for (let i = 1; i < n; i++) {
      const h = ratio(inpo, i) - (game.tau / inverse) * ratio(game.ref, i) - (1 - game.tau / inverse) * ratio(start, i);
      expect(h).toBeCloseTo(((values[i] as number) - (values[0] as number)) / inverse, 13);
    }
  });
});

describe('where they end', () => {
  const exact = solveExact(game).policy;
  const cycle = regularizedGame(preferenceGames.cyclic(1), 0.1, skewed);

  test.each([
    'omd',
    'mmd',
    'omwu',
    'extragradient',
    'mirror-prox',
    'nash-ema',
    'policy-gradient',
    'online-ipo',
  ] as const)('%s goes to the equilibrium with its default step', (solver) => {
    const { gap, policy } = last(game, { solver, init: start, steps: 20_000 });
    expect(gap).toBeLessThan(1e-7);
    expect(klDivergence(exact, policy)).toBeLessThan(1e-7);
  });

  test('Nash-MD keeps its bound 8/(τ²(T + 1)), and its first step forgets where it started', () => {
    for (const g of [game, cycle, regularizedGame(preferenceGames.dice(), 0.03, skewed)]) {
      const steps = all(g, { steps: 1000, exact: solveExact(g).policy });
      for (const { t, klToExact } of steps.slice(1)) expect(klToExact).toBeLessThanOrEqual(8 / (g.tau ** 2 * (t + 1)));
      const other = all(g, { steps: 1000, init: distribution(g.P.n, rng(5)) });
      expect(apart(steps[1]?.policy as Float64Array, bestResponse(g, g.ref))).toBeLessThan(1e-14);
      expect(apart(steps[1000]?.policy as Float64Array, other[1000]?.policy as Float64Array)).toBeLessThan(1e-14);
    }
  });

  test('with a constant step Nash-MD ends at F_β, as the gradient methods against the mixture do', () => {
    const wanted = mixtureFixedPoint(game, 0.375);
    for (const o of [
      { solver: 'nash-md', eta: 0.375 / game.tau },
      { solver: 'policy-gradient', mixtureCoef: 0.375, steps: 40_000 },
      { solver: 'ipo-md', mixtureCoef: 0.375, steps: 40_000 },
    ] as const)
      expect(klDivergence(wanted, last(game, { steps: 500, ...o }).policy)).toBeLessThan(1e-12);
  });

  test('the moving magnet ends at a Nash equilibrium of the game without regularisation', () => {
    const { policy, exploitability: left } = last(game, { solver: 'comal', eta: 1, magnetEvery: 100, steps: 20_000 });
    expect(left).toBeLessThan(1e-9);
    expect(apart(policy, solveNashLP(game.P).policy)).toBeLessThan(1e-6);
  });

  test('averages of MWU and of fictitious play go to Nash while the iterates do not', () => {
    const g = { ...cycle, tau: 0 };
    const mwu = last(g, { solver: 'mwu', eta: 0.05, init: Float64Array.of(0.4, 0.35, 0.25), steps: 5000 });
    const play = last(g, { solver: 'fictitious-play', steps: 20_000 });
    for (const { average, exploitability: left } of [mwu, play]) {
      expect(left).toBeGreaterThan(0.1);
      expect(exploitability(g.P, average)).toBeLessThan(0.01);
    }
  });

  test('responses that the reference excludes stay out, in every solver', () => {
    const g = regularizedGame(game.P, 0.3, [0.4, 0, 0.3, 0, 0.3]);
    const small = solveExact(g).policy;
    for (const solver of solverNames) {
      const { policy, average, gap } = last(g, { solver, steps: 300 });
      for (const q of [policy, average]) expect([q[1], q[3]]).toEqual([0, 0]);
      expect(Number.isFinite(gap)).toBe(true);
    }
    expect(klDivergence(small, last(g, { steps: 3000 }).policy)).toBeLessThan(1e-6);
  });
});

test('records: every k-th step and the last; averages are means of the iterates; the caller owns the arrays', () => {
  const steps = all(game, { steps: 10, every: 4, init: start, exact: solveExact(game).policy });
  expect(steps.map(({ t }) => t)).toEqual([0, 4, 8, 10]);
  const iterates = one({}, 10);
  const mean = start.map((_, i) => iterates.reduce((sum, q) => sum + (q[i] as number), 0) / 11);
  expect(apart(steps[3]?.average as Float64Array, mean)).toBeLessThan(1e-15);
  expect(steps[3]?.gap).toBe(dualityGap(game, steps[3]?.policy as Float64Array));
  steps[0]?.policy.fill(9);
  expect(one({}, 10)).toEqual(iterates);
  expect(start.reduce((a, b) => a + b)).toBeCloseTo(1, 14);
});

test('what a solver cannot do is refused before the first step', () => {
  const zero = { ...game, tau: 0 };
  const say = (o: object, g = game): string => refusal(() => iterate(g, { steps: 1, ...o } as IterateOptions));
  expect(say({ solver: 'nash' })).toMatch(/ERR_CONFIG: solver: no such choice; got "nash".*Did you mean nash-md\?/);
  expect(say({ solvr: 'omd' })).toMatch('unknown option solvr');
  expect(say({}, zero)).toMatch(
    'game, tau: out of range; got 0, wanted a finite number > 0 for nash-md. Without regularisation there are mwu',
  );
  for (const tau of [1e-320, 1e300]) expect(say({ solver: 'mmd' }, { ...game, tau })).toMatch('tau: out of range');
  expect(say({ solver: 'omd' }, zero)).toMatch('eta: the step 2/(τ(t + 2)) needs τ > 0');
  expect(say({ eta: 4 })).toMatch('eta: out of range; got 4, wanted at most 1/τ = 3.33');
  expect(say({ eta: 0 })).toMatch('eta: out of range; got 0, wanted a finite number > 0');
  expect(say({ eta: 'papr' })).toMatch('eta: no such choice; got "papr"');
  expect(say({ solver: 'best-response', eta: 1 })).toMatch('best-response has no step size');
  expect(say({ solver: 'policy-gradient', mixtureCoef: 1.1 })).toMatch('mixtureCoef: out of range; got 1.1');
  expect(say({ solver: 'nash-ema', emaDecay: -0.1 })).toMatch('emaDecay: out of range; got -0.1');
  expect(say({ mixtureCoef: 0.5 })).toMatch(
    'mixtureCoef: nash-md has no such option; wanted solver policy-gradient or ipo-md',
  );
  expect(say({ steps: -1 })).toMatch('steps: out of range; got -1');
  expect(say({ init: Float64Array.of(1, 0, 0, 0, 0) })).toMatch(
    'init, entry 1: probability 0 where the reference has some',
  );
  expect(say({ exact: Float64Array.of(1) })).toMatch('exact: wrong length; got 1, wanted 5');
  expect(refusal(() => all(game, { steps: 3, eta: (t) => (t < 2 ? 1 : 9) }))).toMatch('eta: out of range; got 9');
  const abort = new AbortController();
  abort.abort();
  expect(refusal(() => all(game, { steps: 3, signal: abort.signal }))).toBe(
    'ERR_STOPPED: iterate: stopped after 0 of 3 steps',
  );
  for (const alias of Object.values(solverAliases)) expect(solverNames).toContain(alias);
});

test.each(['policy-gradient', 'online-ipo', 'ipo-md'] as const)(
  'the default step of %s is short enough for every τ',
  (solver) => {
    for (const tau of [1, 4, 20, 100, 1e4]) {
      const end = last(regularizedGame(preferenceGames.cyclic(1), tau, skewed), {
        ...{ solver, steps: 2000, init: Float64Array.of(0.05, 0.05, 0.9) },
      });
      expect(end.gap).toBeLessThan(1e-9);
    }
  },
);
