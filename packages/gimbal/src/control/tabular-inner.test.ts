import { mdps, optimalPolicy, type TabularMdp, type TabularMethod, tabularFmaPg, tabularTakes } from '@gimbal/fma-pg';
import { refuseTabularFlags } from './tabular-flags.ts';
import { innerOf, innerText, outerSteps } from './tabular-inner.ts';
import { returnCharts } from './tabular-report.ts';

const cliffs = mdps.cliffWorld();
const sea = mdps.deepSeaTreasure();

function endOf(mdp: TabularMdp, method: TabularMethod, steps: number): number {
  const inner = innerOf({ algo: method });
  const eta = tabularTakes(method, 'eta', inner.kind) ? { eta: 1 } : {};
  let end = 0;
  for (const { J } of tabularFmaPg(mdp, { method, inner, ...eta, iterations: steps + 1 })) end = J;
  return end;
}

// as few steps as tell it from a worse default: with fixed steps trpo ends at .345
test.each([
  ['smdpo', 300, 0.53],
  ['mdpo', 800, 0.53],
  ['npg', 1000, 0.53],
  ['mpo', 1000, 0.53],
  ['cpi', 10, 0.53],
  ['trpo', 50, 0.53],
  ['reinforce', 30, 0.32],
] as const)('%s finds the way past the cliffs with the inner loop that it has by default', (method, steps, least) => {
  expect(endOf(cliffs, method, steps)).toBeGreaterThan(least);
  expect(endOf(sea, method, 20)).toBeGreaterThan(0.65);
});

// past the cliffs they reach .531 too, after 160 and 180 steps, which take 2 s each
test.each(['ppo', 'sppo'] as const)('%s reaches the optimum by the step sizes that Armijo’s rule finds', (algo) => {
  expect(innerOf({ algo })).toMatchObject({ kind: 'armijo', steps: 100, c: 0.5 });
  const pond = mdps.deepSeaTreasure(3);
  // with a fixed step of 1 they are still .04 short
  expect(endOf(pond, algo, 10)).toBeCloseTo(optimalPolicy(pond).J, 9);
});

test('a closed form makes as many outer steps as it needs there', () => {
  expect(['smdpo', 'trpo'].map((algo) => outerSteps('CliffWorld', innerOf({ algo })))).toEqual([2000, 200]);
});

test('flags decide how the surrogate is maximised, and are named in a line', () => {
  expect(innerText(innerOf({ algo: 'smdpo', floor: 1e-6 }), 'smdpo')).toBe('closed-form (floor 0.000001)');
  expect(innerText(innerOf({ algo: 'ppo', alpha: 2 }), 'ppo')).toBe('fixed (100 inner steps, α 2)');
  expect(innerText(innerOf({ algo: 'reinforce', c: 0 }), 'reinforce')).toBe(
    'armijo (100 inner steps, c 0, α at first 10)',
  );
  expect(innerText(innerOf({ algo: 'ppo', objective: 'linear-only', warmStart: false }), 'ppo')).toContain(
    'linear term alone, no warm start)',
  );
  expect(innerText(innerOf({ algo: 'trpo' }), 'trpo')).toBe('constrained (1 inner step, KL(p_t ‖ p) ≤ 0.01)');
  expect(innerText(innerOf({ algo: 'mdpo', inner: 'constrained' }), 'mdpo')).toContain('KL(p ‖ p_t) ≤');
  expect(innerOf({ algo: 'trpo', eta: 1 }).kind).toBe('fixed');
});

test('a flag without use is named as it is typed', () => {
  expect(() => innerOf({ algo: 'smdpo', warmStart: false })).toThrow(
    /^gimbal control train --no-warm-start: it would change nothing here\. It is not of --inner closed-form/,
  );
  expect(() => refuseTabularFlags({ warmStart: true, alpha: undefined })).not.toThrow();
  expect(() => refuseTabularFlags({ warmStart: false })).toThrow(
    '--no-warm-start: it would change nothing here. Leave',
  );
  expect(() => refuseTabularFlags({ maxAlpha: 2 })).toThrow('--max-alpha: it would change nothing here; got 2. Leave');
});

test('the return is drawn as it is; where the way up hides its end, that has a chart of its own', () => {
  const charts = returnCharts('ppo', [-112, -40, 0.1, 0.3, 0.5], 0.531);
  expect(charts.map(({ title, isExact }) => [title, isExact])).toEqual([
    ['Return', true],
    ['Return from step 2', true],
  ]);
  expect(charts[1]?.series.map(({ points }) => points)).toEqual([
    [
      [2, 0.1],
      [3, 0.3],
      [4, 0.5],
    ],
    [
      [2, 0.531],
      [4, 0.531],
    ],
  ]);
  expect(returnCharts('ppo', [0, 0.1, 0.3, 0.5], 0.5)).toHaveLength(1);
});
