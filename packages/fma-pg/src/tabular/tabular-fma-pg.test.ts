import {
  evaluatePolicy,
  mdps,
  surrogateGradient,
  type TabularMdp,
  type TabularOptions,
  tabularFmaPg,
  tabularMethods,
} from '../index.ts';

const cliff = mdps.cliffWorld();
const sea = mdps.deepSeaTreasure();
const best = { cliff: 0.9 ** 6, sea: 0.729 - 0.002 * 2.71 };

const returns = (mdp: TabularMdp, o: TabularOptions): number[] => [...tabularFmaPg(mdp, o)].map(({ J }) => J);
const leastChange = (J: number[]): number => Math.min(...J.slice(1).map((x, i) => x - (J[i] as number)));
const firstAt = (J: number[], wanted: number): number => J.findIndex((x) => x >= 0.99 * wanted);

// claim C1: reference values of the specification, from an independent float64 implementation
test.each([
  ['smdpo', 10, 18],
  ['smdpo', 1, 200],
  ['mdpo', 1, 630],
  ['mdpo', 10, 611],
] as const)(
  'closed form of %s at η = %d passes .99 of the best return on the cliff at %d, never falling',
  (method, eta, t) => {
    const J = returns(cliff, { method, eta, inner: { kind: 'closed-form' }, iterations: t + 20 });
    expect(firstAt(J, best.cliff)).toBe(t);
    expect(leastChange(J)).toBeGreaterThan(-1e-10);
  },
);

test('closed forms at a small η, and at sea', () => {
  const at200 = (method: 'smdpo' | 'mdpo'): number =>
    returns(cliff, { method, eta: 2 ** -4, inner: { kind: 'closed-form' }, iterations: 201 }).at(-1) as number;
  expect(at200('smdpo')).toBeCloseTo(0.3288, 4);
  expect(at200('mdpo')).toBeCloseTo(0.2966, 4);
  const t = (method: 'smdpo' | 'mdpo', eta: number): number =>
    firstAt(returns(sea, { method, eta, inner: { kind: 'closed-form' }, iterations: 160 }), best.sea);
  expect([t('smdpo', 2 ** -4), t('mdpo', 2 ** -4), t('smdpo', 1), t('mdpo', 1)]).toEqual([144, 146, 8, 10]);
});

test('the floor of zeroed probabilities decides which optimum a large step reaches', () => {
  const end = (floor: number): number =>
    returns(cliff, { method: 'smdpo', eta: 1, inner: { kind: 'closed-form', floor }, iterations: 400 }).at(
      -1,
    ) as number;
  expect(end(1e-8)).toBeCloseTo(best.cliff, 6);
  expect(end(1e-300)).toBeCloseTo(0.9 ** 8, 6); // stuck on the detour
});

test('with one inner step all methods are the same (claim C4)', () => {
  const run = (method: (typeof tabularMethods)[number], mdp: TabularMdp, iterations: number): number[] =>
    returns(mdp, {
      method,
      ...(!withoutEta.includes(method) && { eta: 0.01 }),
      inner: { kind: 'fixed', alpha: 8, steps: 1 },
      iterations,
    });
  const withoutEta: readonly string[] = ['reinforce', 'cpi', 'ppo', 'sppo'];
  const wanted = run('reinforce', cliff, 200);
  for (const method of tabularMethods.filter((m) => m !== 'mpo'))
    for (const [i, J] of run(method, cliff, 200).entries())
      expect(Math.abs(J - (wanted[i] as number))).toBeLessThan(1e-10);
  const atSea = run('smdpo', sea, 201);
  expect(atSea[199]).toBeCloseTo(0.70852, 5);
  expect(atSea[200]).toBeCloseTo(0.70861, 5);
});

test('more inner steps on the same policy go further', () => {
  const end = (steps: number): number =>
    returns(sea, { method: 'smdpo', eta: 2, inner: { kind: 'fixed', alpha: 4, steps }, iterations: 60 }).at(
      -1,
    ) as number;
  const [one, ten] = [end(1), end(10)];
  expect(ten).toBeGreaterThan(one + 0.05);
});

test('ascent below the smoothness bound never lowers J; three times α = 1/β still ascends on this task', () => {
  const eta = 9.9e-4; // the improvement theorem’s bound on this task
  // β = max d/(2η); max d ≤ 1
  for (const alpha of [2 * eta, 6 * eta]) {
    const J = returns(cliff, { method: 'smdpo', eta, inner: { kind: 'fixed', alpha, steps: 20 }, iterations: 50 });
    expect(leastChange(J)).toBeGreaterThan(-1e-10);
    expect(J.at(-1) as number).toBeGreaterThan((J[0] as number) + 1);
  }
});

test.each([
  ['smdpo', 2 ** -6, 6],
  ['trpo', 2 ** -6, 6],
  ['mdpo', 2 ** -10, 18],
] as const)('constrained %s at δ = %d passes .99 of the best return at sea at %d (claim C6)', (method, delta, t) => {
  const J = returns(sea, { method, inner: { kind: 'constrained', delta, steps: 1 }, iterations: 60 });
  expect(Math.abs(firstAt(J, best.sea) - t)).toBeLessThanOrEqual(3);
  expect(leastChange(J)).toBeGreaterThan(-1e-8);
});

test.each(['smdpo', 'trpo', 'mdpo'] as const)(
  'constrained %s leaves states that are visited less than 1e-14',
  (method) => {
    // two states that lead to themselves: what is visited of the second is what begins there
    const policies = (rare: number): Float64Array[] => {
      const mdp: TabularMdp = {
        ...{ S: 2, A: 2, P: Float64Array.of(1, 0, 1, 0, 0, 1, 0, 1), r: Float64Array.of(0, 1, 0, 1) },
        ...{ mu: Float64Array.of(1 - rare, rare), gamma: 0.5 },
      };
      const inner = { kind: 'constrained', delta: 0.01, steps: 1 } as const;
      return [...tabularFmaPg(mdp, { method, inner, iterations: 2 })].map(({ policy }) => policy);
    };
    for (const rare of [1e-13, 1e-15]) {
      const [before, after] = policies(rare) as [Float64Array, Float64Array];
      expect(after[1]).toBeGreaterThan(before[1] as number);
      if (rare < 1e-14) expect(after[3]).toBe(before[3]);
      else expect(after[3]).toBeGreaterThan(before[3] as number);
    }
  },
);

test.each(['smdpo', 'trpo', 'mdpo'] as const)('constrained %s goes as far as δ and no further', (method) => {
  const delta = 0.05;
  const inner = { kind: 'constrained', delta, steps: 3 } as const;
  const [before, after] = [...tabularFmaPg(sea, { method, inner, iterations: 2 })].map((it) => it.policy);
  const { d } = evaluatePolicy(sea, before as Float64Array);
  const [p, q] = (method === 'mdpo' ? [after, before] : [before, after]) as [Float64Array, Float64Array];
  // Σ_s d(s) KL(p_t ‖ p)(s), of MDPO the other order
  const divergence = p.reduce((sum, x, i) => {
    const ofState = d[Math.floor(i / sea.A)] as number;
    return sum + ofState * x * Math.log(x / (q[i] as number));
  }, 0);
  expect(divergence).toBeLessThanOrEqual(delta * (1 + 1e-9));
  expect(divergence).toBeGreaterThan(0.6 * delta);
});

test('Armijo search on the surrogate feels η; on its linear term alone it does not (claim C7, a sample)', () => {
  const end = (objective: 'full' | 'linear-only'): number =>
    returns(sea, {
      method: 'smdpo',
      eta: 2 ** -11,
      inner: { kind: 'armijo', objective, steps: 10 },
      iterations: 100,
    }).at(-1) as number;
  expect(end('full')).toBeLessThan(0.06);
  expect(end('linear-only')).toBeGreaterThan(0.5);
});

test('records are the caller’s, start where they are told to, and stop at a signal', () => {
  const start = Float64Array.from({ length: 50 }, (_, i) => (i % 2 === 1 ? 0.9 : 0.1));
  const signal = AbortSignal.abort();
  const [first] = tabularFmaPg(sea, {
    method: 'mdpo',
    eta: 1,
    inner: { kind: 'closed-form' },
    iterations: 1,
    policy: start,
  });
  expect([...(first?.policy ?? [])]).toEqual([...start].map((p) => expect.closeTo(p, 12)));
  const stopped = tabularFmaPg(sea, { method: 'mdpo', eta: 1, inner: { kind: 'closed-form' }, iterations: 9, signal });
  expect(() => [...stopped]).toThrow('tabularFmaPg: stopped after 0 of 9 iterations');
});

test('bad options are refused before the first record', () => {
  const of = (o: object): unknown =>
    tabularFmaPg(cliff, {
      method: 'smdpo',
      eta: 1,
      inner: { kind: 'closed-form' },
      iterations: 1,
      ...o,
    } as TabularOptions);
  expect(() => of({ inner: { kind: 'fixd' } })).toThrow('Did you mean fixed?');
  expect(() => of({ inner: { kind: 'fixed', alpha: 0, steps: 1 } })).toThrow('inner.alpha: out of range; got 0');
  expect(() => of({ inner: { kind: 'armijo', c: 2, steps: 1 } })).toThrow('inner.c: out of range');
  expect(() => of({ inner: { kind: 'constrained', delta: -1, steps: 1 } })).toThrow('inner.delta: out of range');
  expect(() => of({ method: 'ppo' })).toThrow(
    'inner.kind: ppo has no closed form here; wanted one of cpi, npg, mdpo, smdpo, mpo',
  );
  expect(() => of({ iteration: 3 })).toThrow('tabularFmaPg: unknown option iteration; wanted one of');
  expect(() => of({ method: 'ppo', inner: { kind: 'constrained', delta: 1, steps: 1 } })).toThrow(
    'inner.kind: ppo has no divergence to constrain',
  );
  expect(() => of({ inner: { kind: 'armijo', objective: 'ful', steps: 1 } })).toThrow('Did you mean full?');
  expect(() => of({ inner: undefined })).toThrow('inner: the options are no object; got "undefined"');
  const fixed = { kind: 'fixed', alpha: 1, steps: 1 };
  expect(() => of({ method: 'ppo', inner: fixed })).toThrow('eta: ppo does not use it: it would change nothing');
  expect(() => of({ method: 'cpi', inner: fixed })).toThrow('eta: cpi does not use it');
  expect(() => of({ method: 'cpi' })).not.toThrow(); // its closed form mixes by η
  expect(() => of({ clipEpsilon: 0.2 })).toThrow('clipEpsilon: smdpo does not use it');
  expect(() => of({ method: 'sppo', eta: undefined, inner: fixed, pessimistic: 'no' })).toThrow(
    'pessimistic: out of range; got "no"',
  );
  expect(() => of({ inner: { kind: 'constrained', delta: 0.1, steps: 1 } })).toThrow('eta: a constraint (inner.delta');
  expect(() => of({ inner: { kind: 'armijo', warmstart: false, steps: 1 } })).toThrow(
    /inner of kind 'armijo': unknown option warmstart; .*Did you mean warmStart\?/s,
  );
  expect(() => of({ inner: { kind: 'armijo', warmStart: 'no', steps: 1 } })).toThrow('inner.warmStart: out of range');
  expect(() => of({ inner: { kind: 'fixed', alpha: 1, steps: 1, floor: 3 } })).toThrow('unknown option floor');
});

test('arrays that are none, or of another size, are refused by name', () => {
  const plain = { ...cliff, P: [...cliff.P] } as unknown as TabularMdp;
  expect(() =>
    tabularFmaPg(plain, { method: 'reinforce', inner: { kind: 'fixed', alpha: 1, steps: 1 }, iterations: 1 }),
  ).toThrow('mdp.P: wrong kind; got "an array", wanted a Float64Array');
  const policy = new Float64Array(cliff.S * cliff.A).fill(1 / cliff.A);
  expect(() => surrogateGradient(cliff, policy, new Float64Array(3), { method: 'reinforce' })).toThrow(
    'logits: wrong length; got 3',
  );
  expect(() => mdps.bandit([Number.NaN, 1])).toThrow('bandit.means[0]: out of range; got NaN');
});
