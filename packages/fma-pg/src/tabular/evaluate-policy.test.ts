import { rng } from '@gimbal/tensor-core';
import { randomMdp, randomPolicy } from '../../test/random-mdp.ts';
import { evaluatePolicy, mdps, type TabularMdp, uniformPolicy } from '../index.ts';
import { linearSystem } from './linear-system.ts';

test('a chain of two states by hand', () => {
  // s0: stay (r 0) or go to s1 (r 1); s1 absorbing, r 2. γ = .5, π = (¼, ¾)
  const mdp: TabularMdp = {
    S: 2,
    A: 2,
    P: Float64Array.of(1, 0, 0, 1, 0, 1, 0, 1),
    r: Float64Array.of(0, 1, 2, 2),
    mu: Float64Array.of(1, 0),
    gamma: 0.5,
  };
  const { V, Q, A, d, J } = evaluatePolicy(mdp, Float64Array.of(0.25, 0.75, 0.5, 0.5));
  // V1 = 2/(1 − ½) = 4; V0 = ¼·½V0 + ¾(1 + ½·4) ⇒ V0 = 2.25/.875
  const v0 = 2.25 / 0.875;
  expect([...V]).toEqual([expect.closeTo(v0, 12), expect.closeTo(4, 12)]);
  expect([...Q]).toEqual([v0 / 2, 3, 4, 4].map((q) => expect.closeTo(q, 12)));
  expect([...A]).toEqual([-v0 / 2, 3 - v0, 0, 0].map((a) => expect.closeTo(a, 12)));
  // d0 = (1 − ½) Σ (½·¼)^k = .5/.875
  expect([...d]).toEqual([expect.closeTo(0.5 / 0.875, 12), expect.closeTo(1 - 0.5 / 0.875, 12)]);
  expect(J).toBeCloseTo(v0, 12);
});

test('the exact solution is what iterating the Bellman operator and stepping the state distribution converge to', () => {
  for (let seed = 0; seed < 10; seed++) {
    const mdp = randomMdp(rng(seed), { gamma: 0.7 });
    const { S, A, P, r, mu, gamma } = mdp;
    const policy = randomPolicy(mdp, rng(seed).split('policy'));
    const exact = evaluatePolicy(mdp, policy);
    let V = new Float64Array(S);
    let state = mu.slice();
    const d = new Float64Array(S);
    for (let k = 0; k < 120; k++) {
      const [next, moved] = [new Float64Array(S), new Float64Array(S)];
      for (let s = 0; s < S; s++) {
        d[s] = (d[s] as number) + (1 - gamma) * gamma ** k * (state[s] as number);
        for (let a = 0; a < A; a++)
          for (let t = 0; t < S; t++) {
            const p = (policy[s * A + a] as number) * (P[(s * A + a) * S + t] as number);
            next[s] = (next[s] as number) + p * ((r[s * A + a] as number) + gamma * (V[t] as number));
            moved[t] = (moved[t] as number) + p * (state[s] as number);
          }
      }
      [V, state] = [next, moved];
    }
    for (let s = 0; s < S; s++) {
      expect(exact.V[s]).toBeCloseTo(V[s] as number, 10);
      expect(exact.d[s]).toBeCloseTo(d[s] as number, 10);
      let centred = 0;
      for (let a = 0; a < A; a++) centred += (policy[s * A + a] as number) * (exact.A[s * A + a] as number);
      expect(centred).toBeCloseTo(0, 12);
    }
    expect(exact.d.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  }
});

test('the paper’s tasks: returns of the uniform policy and of the best one', () => {
  const [cliff, sea] = [mdps.cliffWorld(), mdps.deepSeaTreasure()];
  const uniform = evaluatePolicy(cliff, uniformPolicy(cliff));
  expect(uniform.J).toBeCloseTo(-112.12147317646847, 10);
  expect(Math.min(...uniform.A)).toBeCloseTo(-96.857, 3);
  expect(Math.max(...uniform.A)).toBeCloseTo(54.764, 3);
  const atSea = evaluatePolicy(sea, uniformPolicy(sea));
  expect(atSea.J).toBeCloseTo(0.038775625, 10);
  expect(atSea.d.filter((x) => x < 1e-16)).toHaveLength(10); // never reached
  // right four times, then once more: .9³·1 less three costs
  const right = Float64Array.from({ length: sea.S * 2 }, (_, i) => i % 2);
  expect(evaluatePolicy(sea, right).J).toBeCloseTo(0.729 - 0.002 * 2.71, 12);
  // around the chasm: right, four times up, left, and the goal pays
  const route = Float64Array.from({ length: cliff.S * 4 }, () => 0);
  const go: Record<number, number> = { 0: 3, 5: 1, 6: 1, 7: 1, 8: 1, 9: 2 };
  for (let s = 0; s < cliff.S; s++) route[s * 4 + (go[s] ?? 0)] = 1;
  expect(evaluatePolicy(cliff, route).J).toBeCloseTo(0.9 ** 6, 12);
  expect(evaluatePolicy(mdps.bandit([1, 3]), Float64Array.of(0.5, 0.5)).J).toBe(2);
});

test('linear systems: a pivot of 0, the transpose, a singular matrix', () => {
  const m = Float64Array.of(0, 2, 1, 1, 0, 0, 0, 3, 4); // det = 2·(…) ≠ 0
  const x = Float64Array.of(1, -2, 3);
  const times = (t: boolean): Float64Array =>
    Float64Array.from({ length: 3 }, (_, i) =>
      x.reduce((sum, v, j) => sum + (t ? (m[j * 3 + i] as number) : (m[i * 3 + j] as number)) * v, 0),
    );
  const system = linearSystem(m, 3);
  expect([...system.solve(times(false))]).toEqual([...x].map((v) => expect.closeTo(v, 12)));
  expect([...system.solveTransposed(times(true))]).toEqual([...x].map((v) => expect.closeTo(v, 12)));
  expect(() => linearSystem(Float64Array.of(1, 2, 2, 4), 2)).toThrow(
    'linearSystem: the matrix is singular: no pivot in column 1',
  );
});

test('what is no MDP or policy is refused, and the row is named', () => {
  const good = mdps.cliffWorld();
  const uniform = uniformPolicy(good);
  const withP = (at: number, value: number): TabularMdp => {
    const P = good.P.slice();
    P[at] = value;
    return { ...good, P };
  };
  expect(() => evaluatePolicy(withP(0, 0.5), uniform)).toThrow(
    'mdp.P, state 0, action 0: the probabilities do not sum to 1; got 0.5',
  );
  expect(() => evaluatePolicy(withP(21 * 5, -1), uniform)).toThrow(
    'mdp.P, state 1, action 1: a probability is negative',
  );
  expect(() => evaluatePolicy({ ...good, gamma: 1 }, uniform)).toThrow(
    'mdp.gamma: out of range; got 1, wanted a number in [0, 1)',
  );
  expect(() => evaluatePolicy({ ...good, mu: good.mu.map((x) => 2 * x) }, uniform)).toThrow(
    'mdp.mu: the probabilities',
  );
  expect(() => evaluatePolicy({ ...good, r: good.r.map(() => Number.NaN) }, uniform)).toThrow(
    'mdp.r, state 0, action 0: the reward is not finite; got NaN',
  );
  expect(() =>
    evaluatePolicy(
      good,
      uniform.map((x, i) => (i === 9 ? 0.5 : x)),
    ),
  ).toThrow('policy, state 2: the probabilities do not sum to 1; got 1.25');
  expect(() => evaluatePolicy(good, uniform.slice(1))).toThrow('policy: wrong length; got 83, wanted 84');
  expect(() => mdps.bandit([])).toThrow('bandit: there is no arm');
});

test('a solution that elimination has lost to rounding is refused: Wilkinson’s matrix, whose pivots grow as 2^(n − 1)', () => {
  const n = 80;
  const m = Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return j === n - 1 || i === j ? 1 : i > j ? -1 : 0;
  });
  const system = linearSystem(m, n);
  const b = Float64Array.from({ length: n }, (_, i) => Math.sin(i + 1));
  for (const solve of [system.solve, system.solveTransposed])
    expect(() => solve(b)).toThrow('linearSystem: the solution is not accurate: its residual; got ');
});
