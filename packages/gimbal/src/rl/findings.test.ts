import { klFigure, toldChange, toldDistance, toldOverlap } from './findings.ts';

const at = (low: number, high: number) => ({ value: (low + high) / 2, low, high, n: 5 });

it('intervals that overlap are told, and those that do not are not', () => {
  expect(toldOverlap(at(0, 2), at(1, 3))).toMatch(/overlap: 5 held-out prompts/);
  expect(toldOverlap(at(0, 1), at(2, 3))).toBeUndefined();
  expect(toldOverlap(at(2, 3), at(0, 1))).toBeUndefined();
  // nothing was judged
  const none = { value: Number.NaN, low: Number.NaN, high: Number.NaN, n: 0 };
  expect(toldOverlap(none, none)).toBeUndefined();
  expect(toldChange(none, none)).toBe('no reward before or after');
  expect(toldChange(none, at(1, 3))).toBe('no reward → 2.000');
  expect(toldChange(at(1, 3), none)).toBe('reward 2.000 → none');
  expect(toldChange(at(0, 2), at(1, 3))).toBe('reward 1.000 → 2.000');
  // one prompt has no interval
  expect(toldOverlap(at(Number.NaN, Number.NaN), at(Number.NaN, Number.NaN))).toMatch(/overlap/);
});

it('a run that went far on a reward that can be hacked is asked for a monitor', () => {
  const run = { kl: 4.4, rewards: ['model'], watched: false };
  expect(toldDistance(run)).toMatch(/^The model went 4\.4\d* nats .* \(--monitor\)$/);
  expect(toldDistance({ ...run, kl: 1 })).toBeUndefined();
  expect(toldDistance({ ...run, kl: Number.NaN })).toBeUndefined();
  expect(toldDistance({ ...run, watched: true })).toBeUndefined();
  expect(toldDistance({ ...run, rewards: ['exact'] })).toBeUndefined();
  expect(toldDistance({ ...run, rewards: ['exact', 'model'] })).toBeDefined();
});

test('an estimate of a KL below 0 is one that cannot be told from 0', () => {
  expect([-5e-4, 0, 0.25, Number.NaN].map(klFigure)).toEqual(['≈ 0', '0.00', '0.250', 'NaN']);
});
