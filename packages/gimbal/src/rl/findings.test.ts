import { klFigure, toldChange, toldDistance, toldOn, toldOverlap, toldStill } from './findings.ts';

const at = (low: number, high: number) => ({ value: (low + high) / 2, low, high, n: 5 });

it('intervals that overlap are told, and those that do not are not', () => {
  expect(toldOverlap(at(0, 2), at(1, 3))).toMatch(/overlap: 5 held-out prompts with a reward tell little/);
  expect(toldOverlap({ ...at(0, 2), n: 1 }, { ...at(1, 3), n: 1 })).toMatch(
    /: 1 held-out prompt with a reward tells little/,
  );
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

test('what the change was measured on is counted as what tells little of it', () => {
  const of = (n: number) => ({ ...at(0, 2), n });
  expect(toldOn(of(5), of(5), 5)).toBe('on 5 held-out prompts');
  expect(toldOn(of(1), of(1), 1)).toBe('on 1 held-out prompt');
  expect(toldOn(of(66), of(66), 120)).toBe('on 120 held-out prompts, of which 66 had a reward');
  expect(toldOn(of(60), of(66), 120)).toBe('on 120 held-out prompts, of which 60, then 66, had a reward');
});

test('a model that hardly moved is told, with the rate and the weight of the KL that it was trained with', () => {
  const [was, is] = [at(0, 2), at(1, 3)];
  const run = { kl: 0.005, learningRate: 1e-5, klCoef: 0, was, is };
  expect(toldStill(run)).toMatch(
    /^The model hardly moved, 0\.00500 nats .*: try a larger --learning-rate than 0\.00001$/,
  );
  expect(toldStill({ ...run, klCoef: 10 })).toMatch(/than 0\.00001, or a smaller --kl-coef than 10$/);
  expect(toldStill({ ...run, kl: 0.2 })).toBeUndefined();
  expect(toldStill({ ...run, kl: Number.NaN })).toBeUndefined();
  // few nats are enough for answers of one token
  expect(toldStill({ ...run, is: at(3, 4) })).toBeUndefined();
  const none = { ...at(Number.NaN, Number.NaN), n: 0 };
  expect(toldStill({ ...run, was: none, is: none })).toBeDefined();
});
