import { rng } from '@gimbal/tensor-core';
import { randomMdp, randomPolicy } from '../../test/random-mdp.ts';
import {
  banditUpdate,
  etaBound,
  evaluatePolicy,
  hasClosedForm,
  mdps,
  surrogateBound,
  surrogateGradient,
  type TabularMdp,
  type TabularMethod,
  tabularFmaPg,
  tabularMethods,
  tabularTakes,
  uniformPolicy,
} from '../index.ts';
import { closedFormStep } from './closed-form.ts';
import { pseudoSolve } from './symmetric.ts';

const softmax = (z: Float64Array, A: number): Float64Array => {
  const p = z.map(Math.exp);
  for (let at = 0; at < p.length; at += A) {
    const total = p.subarray(at, at + A).reduce((a, b) => a + b);
    for (let i = at; i < at + A; i++) p[i] = (p[i] as number) / total;
  }
  return p;
};
const randomLogits = (mdp: TabularMdp, seed: number, size = 1): Float64Array => {
  const r = rng(seed);
  return Float64Array.from({ length: mdp.S * mdp.A }, () => size * r.normal());
};
/** η, of methods that have one. */
const etaOf = (method: TabularMethod, eta: number): { eta?: number } => (tabularTakes(method, 'eta') ? { eta } : {});
const relative = (a: Float64Array, b: Float64Array): number =>
  Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number)))) / Math.max(...b.map(Math.abs));

/** Central differences of f at z. */
function differences(f: (z: Float64Array) => number, z: Float64Array, h = 1e-5): Float64Array {
  return z.map((x, i) => {
    const [up, down] = [z.slice(), z.slice()];
    up[i] = x + h;
    down[i] = x - h;
    return (f(up) - f(down)) / (2 * h);
  });
}

const tasks = { cliffWorld: mdps.cliffWorld(), deepSeaTreasure: mdps.deepSeaTreasure() };

describe.each(Object.entries(tasks))('%s', (_, mdp) => {
  test.each(tabularMethods)('the gradient of %s’s surrogate is that of finite differences (claim C3)', (method) => {
    const anchor = softmax(randomLogits(mdp, 1), mdp.A);
    const z = randomLogits(mdp, 2, 0.3);
    const o = { method, ...etaOf(method, 0.7), ...((method === 'ppo' || method === 'sppo') && { clipEpsilon: 0.3 }) };
    const value = (x: Float64Array): number => surrogateGradient(mdp, anchor, x, o).value;
    const { gradient } = surrogateGradient(mdp, anchor, z, o);
    expect(relative(gradient, differences(value, z))).toBeLessThan(1e-7);
  });

  test('at the policy itself every surrogate has the policy gradient times 1 − γ (claim C3)', () => {
    const z = randomLogits(mdp, 3);
    const anchor = softmax(z, mdp.A);
    const J = differences((x) => evaluatePolicy(mdp, softmax(x, mdp.A)).J, z, 1e-4);
    for (const method of tabularMethods) {
      if (method === 'mpo') continue; // to first order in η only
      const { value, gradient } = surrogateGradient(mdp, anchor, z, { method, ...etaOf(method, 0.3) });
      expect(value).toBeCloseTo(0, 10);
      expect(
        relative(
          gradient,
          J.map((g) => (1 - mdp.gamma) * g),
        ),
      ).toBeLessThan(1e-6);
    }
    const eta = 1e-7;
    const mpo = surrogateGradient(mdp, anchor, z, { method: 'mpo', eta }).gradient;
    expect(
      relative(
        mpo.map((g) => g / eta),
        J.map((g) => (1 - mdp.gamma) * g),
      ),
    ).toBeLessThan(1e-4);
  });
});

test.each(['smdpo', 'mdpo', 'npg', 'mpo'] as const)(
  'the closed form of %s is where its surrogate has no gradient',
  (method) => {
    const mdp = randomMdp(rng(4), { gamma: 0.6 });
    const anchor = randomPolicy(mdp, rng(5));
    const eta = 0.4 * (1 - mdp.gamma); // 1 + ηA > 0 everywhere
    const logP = anchor.map(Math.log);
    closedFormStep(logP, evaluatePolicy(mdp, anchor).A, mdp.A, { method, eta, floor: 0 });
    const { value, gradient } = surrogateGradient(mdp, anchor, logP, { method, eta });
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-12);
    expect(value).toBeGreaterThan(0);
  },
);

test('closed forms by hand', () => {
  const A = Float64Array.of(1, -3);
  const step = (method: string, eta: number, floor = 0): number[] => {
    const logP = Float64Array.of(Math.log(0.75), Math.log(0.25));
    closedFormStep(logP, A, 2, { method, eta, floor });
    return [...logP.map(Math.exp)];
  };
  // ¾(1 + .1), ¼(1 − .3): sums to 1 as it is
  expect(step('smdpo', 0.1)).toEqual([expect.closeTo(0.825, 12), expect.closeTo(0.175, 12)]);
  // 1 − 3·.5 < 0: nothing is left of the second action but the floor
  expect(step('smdpo', 0.5)).toEqual([1, 0]);
  expect(step('smdpo', 0.5, 1e-8)[1]).toBeCloseTo((0.25 * 1e-8) / (0.75 * 1.5), 15);
  // ¾e against ¼e⁻³
  expect(step('mdpo', 1)[1]).toBeCloseTo(1 / (1 + 3 * Math.exp(4)), 12);
  expect(step('npg', 1)).toEqual(step('mdpo', 1));
  // floored at 1e-2 after normalising, then normalised again
  expect(step('mdpo', 1, 1e-2)[1]).toBeCloseTo(0.01 / (1.01 - 1 / (1 + 3 * Math.exp(4))), 12);
  expect(step('cpi', 0.2)).toEqual([expect.closeTo(0.8, 12), expect.closeTo(0.2, 12)]);
  expect(() =>
    closedFormStep(Float64Array.of(0), Float64Array.of(-3), 1, { method: 'smdpo', eta: 1, floor: 0 }),
  ).toThrow('closed form, state 0: every action’s weight is 0');
});

test('one sampled arm: sMDPO’s closed form is linear reward-inaction, bounded for any probability (claim C9)', () => {
  const p = Float64Array.of(1e-6, 0.3, 0.7 - 1e-6);
  for (const [arm, r] of [
    [0, 1],
    [1, 0.4],
    [2, 0],
  ] as const) {
    const advantages = p.map((q, b) => r * ((b === arm ? 1 : 0) / q - 1));
    const [closed, sampled] = [p.map(Math.log), p.map(Math.log)];
    closedFormStep(closed, advantages, 3, { method: 'smdpo', eta: 0.25, floor: 0 });
    banditUpdate('smdpo', sampled, arm, r, 0.25);
    for (let b = 0; b < 3; b++) {
      const wanted = (p[b] as number) + 0.25 * r * ((b === arm ? 1 : 0) - (p[b] as number));
      expect(Math.exp(closed[b] as number)).toBeCloseTo(wanted, 12);
      expect(Math.exp(sampled[b] as number)).toBeCloseTo(wanted, 12);
    }
  }
  const direct = p.map(Math.log);
  banditUpdate('mdpo', direct, 0, 1, 0.25);
  expect(Math.exp(direct[0] as number)).toBe(1); // exp(.25/1e-6): one sample decides everything
  const gradient = Float64Array.of(Math.log(0.5), Math.log(0.5));
  banditUpdate('reinforce', gradient, 0, 1, 1);
  expect(Math.exp(gradient[0] as number)).toBeCloseTo(1 / (1 + Math.exp(-1)), 12); // logits ±½
});

test('the surrogate is a lower bound below the step size’s bound, and touches J at the policy (claim C2, a sample)', () => {
  let violations = 0;
  for (let seed = 0; seed < 200; seed++) {
    const mdp = randomMdp(rng(seed), { gamma: [0.5, 0.9, 0.99][seed % 3] as number });
    const [policy, anchor] = [randomPolicy(mdp, rng(seed).split('a')), randomPolicy(mdp, rng(seed).split('b'))];
    for (const representation of ['softmax', 'direct'] as const) {
      const eta = etaBound(mdp, representation);
      const { J } = evaluatePolicy(mdp, policy);
      expect(surrogateBound(mdp, representation, policy, anchor, eta)).toBeLessThanOrEqual(J + 1e-9);
      expect(surrogateBound(mdp, representation, policy, policy, eta)).toBeCloseTo(J, 10);
      if (representation === 'softmax' && surrogateBound(mdp, representation, policy, anchor, 30 * eta) > J + 1e-9)
        violations++;
    }
  }
  expect(violations).toBeGreaterThan(0); // the test can fail: far above the bound the surrogate is none
});

test('bounds of η on the paper’s tasks', () => {
  expect(etaBound(tasks.cliffWorld, 'softmax')).toBeCloseTo(0.1 / 101, 12);
  expect(etaBound(tasks.deepSeaTreasure, 'softmax')).toBeCloseTo(0.1 / 1.002, 12);
  expect(etaBound(tasks.cliffWorld, 'direct')).toBeCloseTo(0.001 / (1.8 * 4 * 101), 12);
  expect(etaBound(tasks.deepSeaTreasure, 'direct')).toBeCloseTo(0.001 / (1.8 * 2 * 1.002), 12);
  expect(etaBound(mdps.bandit([0, 1]), 'direct')).toBe(Number.POSITIVE_INFINITY); // J is linear in p
});

test('pseudo-inverse: a singular block, by hand', () => {
  // diag p − ppᵀ at p = (¼, ¾) is 3/16·[[1, −1], [−1, 1]]; its pseudo-inverse 16/3·¼·[[1, −1], [−1, 1]]
  const u = pseudoSolve(Float64Array.of(3 / 16, -3 / 16, -3 / 16, 3 / 16), Float64Array.of(3, 1), 2);
  expect([...u]).toEqual([expect.closeTo(8 / 3, 12), expect.closeTo(-8 / 3, 12)]);
});

test('states with hundreds of actions have gradients too', () => {
  const mdp: TabularMdp = {
    S: 1,
    A: 300,
    P: new Float64Array(300).fill(1),
    r: new Float64Array(300),
    mu: Float64Array.of(1),
    gamma: 0.5,
  };
  mdp.r[299] = 1;
  for (const method of tabularMethods) {
    const { value, gradient } = surrogateGradient(mdp, uniformPolicy(mdp), new Float64Array(300), {
      method,
      ...etaOf(method, 0.3),
    });
    expect(value).toBeCloseTo(0, 12);
    // at the anchor itself: p (A - mean A), where the last action's Q is 1 higher than the others'
    if (method !== 'mpo') expect(gradient[299]).toBeCloseTo((299 / 300) * (1 / 300), 12);
    expect(gradient.reduce((sum, g) => sum + g)).toBeCloseTo(0, 12); // the softmax does not see a shift
  }
});

test('each method takes η where it is said to, and refuses it elsewhere', () => {
  const mdp = tasks.cliffWorld;
  const inners = [
    { kind: 'closed-form' },
    { kind: 'fixed', alpha: 1, steps: 1 },
    { kind: 'armijo', steps: 1 },
    { kind: 'constrained', delta: 0.01, steps: 1 },
  ] as const;
  const isTaken = (method: TabularMethod, inner: (typeof inners)[number], o: object): boolean => {
    try {
      tabularFmaPg(mdp, { method, inner, iterations: 1, ...o });
      return true;
    } catch (error) {
      expect((error as { code?: string }).code).toBe('ERR_CONFIG');
      return false;
    }
  };
  let closed = 0;
  for (const method of tabularMethods)
    for (const inner of inners) {
      const takes = tabularTakes(method, 'eta', inner.kind);
      if (isTaken(method, inner, { eta: 0.5 })) expect([method, inner.kind, takes]).toEqual([method, inner.kind, true]);
      if (isTaken(method, inner, {})) expect([method, inner.kind, takes]).toEqual([method, inner.kind, false]);
      if (inner.kind === 'closed-form') expect(takes).toBe(hasClosedForm(method));
      if (inner.kind === 'closed-form' && takes) closed++;
    }
  expect(closed).toBe(5);
  expect(tabularMethods.filter((method) => tabularTakes(method, 'eta'))).toHaveLength(5);
});

test('options out of range are refused by name', () => {
  const mdp = tasks.cliffWorld;
  const at = uniformPolicy(mdp);
  const of = (o: object): unknown => surrogateGradient(mdp, at, at, o as never);
  expect(() => of({ method: 'smpdo' })).toThrow('method: no such choice; got "smpdo"');
  expect(() => of({ method: 'smpdo' })).toThrow('Did you mean smdpo?');
  expect(() => of({ method: 'mdpo' })).toThrow('eta: out of range; wanted a finite number > 0 for mdpo');
  expect(() => of({ method: 'mdpo', eta: 0 })).toThrow('eta: out of range; got 0');
  expect(() => of({ method: 'ppo', clipEpsilon: 1 })).toThrow(
    'clipEpsilon: out of range; got 1, wanted a number in (0, 1)',
  );
  expect(() => of({ method: 'ppo', eta: 1 })).toThrow('eta: ppo does not use it: it would change nothing; got 1');
  expect(() => of({ method: 'smdpo', eta: 1, clipEpsilon: 0.2 })).toThrow('clipEpsilon: smdpo does not use it');
  expect(() => of({ method: 'ppo', pessimistic: true })).toThrow('pessimistic: ppo does not use it');
  expect(() => of({ method: 'sppo', pessimistic: 'no' })).toThrow(
    'pessimistic: out of range; got "no", wanted true or false',
  );
  expect(() => surrogateGradient(mdp, at, at, null as never)).toThrow('the options are no object; got "null"');
  expect(() => banditUpdate('smdpo', Float64Array.of(0), 0, 1, 2)).toThrow(
    'eta: out of range; got 2, wanted at most 1 for smdpo',
  );
});
