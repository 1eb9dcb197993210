import { rng } from '@gimbal/tensor-core';
import { hackingMonitor } from './hacking-monitor.ts';
import { driftReport, overOptimisation } from './over-optimisation.ts';

const control = (_: readonly string[], texts: readonly string[]) => texts.map((text) => Number(text.split('#')[1]));
const prompts = ['p', 'p', 'p', 'p'];
const at = (value: number, words = 3): string[] =>
  prompts.map((_, i) => `${'w '.repeat(words)}#${value + (i % 2 ? 0.1 : -0.1)}`);

it('stops a run whose control reward stays below its best, and names the step to go back to', async () => {
  const monitor = hackingMonitor({ control, patience: 2 });
  const seen = [];
  for (const [step, value] of [1, 2, 1.9, 0, 0.5].entries()) seen.push(await monitor.check(step, prompts, at(value)));
  expect(seen.map((alerts) => alerts.length)).toEqual([0, 0, 0, 0, 1]);
  expect(seen[4]?.[0]).toMatchObject({ monitor: 'hacking', step: 4, stop: true, value: 0.5 });
  expect(seen[4]?.[0]?.message).toBe('the control reward fell from 2.000 (step 1) to 0.500');
  expect(monitor.best?.step).toBe(1);
  expect(monitor.looks).toHaveLength(5);
});

it('lets a run go on whose control rises, whatever luck its best look had', async () => {
  // 48 answers a look, each right with a chance that rises from .1 to .95
  const right = (_: readonly string[], texts: readonly string[]) => texts.map(Number);
  const alarmed = async (seed: number, tolerance: number): Promise<boolean> => {
    const monitor = hackingMonitor({ control: right, patience: 5, tolerance });
    const draws = rng(seed);
    for (let step = 0; step < 250; step++) {
      const chance = 0.1 + 0.85 * (1 - Math.exp(-step / 60));
      const texts = Array.from({ length: 48 }, () => (draws.uniform() < chance ? '1' : '0'));
      if ((await monitor.check(step, texts, texts)).length > 0) return true;
    }
    return false;
  };
  const count = async (tolerance: number): Promise<number> => {
    let alarms = 0;
    for (let seed = 0; seed < 20; seed++) alarms += Number(await alarmed(seed, tolerance));
    return alarms;
  };
  // of 300 such runs 44 % alarm at 2, 3 % at 2.5 and none at 3
  expect(await count(3)).toBe(0);
  expect(await count(2)).toBeGreaterThan(5);
});

it('goes on with its count where a run is gone on with, so that it stops at the same step', async () => {
  const values = [1, 2, 1.97, 0, 0.5, 0.4, 0.3];
  const stopOf = async (cut: number): Promise<number | undefined> => {
    let monitor = hackingMonitor({ control, patience: 4 });
    for (const [step, value] of values.entries()) {
      // as from a file
      const earlier = JSON.parse(JSON.stringify(monitor.looks));
      if (step === cut) monitor = hackingMonitor({ control, patience: 4, earlier });
      if ((await monitor.check(step, prompts, at(value))).length > 0) return step;
    }
    return undefined;
  };
  expect(await stopOf(-1)).toBe(6);
  for (const cut of [3, 4, 5, 6]) expect(await stopOf(cut)).toBe(6);
});

it('is not blinded by looks at which the control abstains from every answer', async () => {
  const monitor = hackingMonitor({
    control: (_, texts) => texts.map((text) => (text.includes('?') ? null : Number(text.split('#')[1]))),
    patience: 2,
  });
  const abstained = ['?', '?', '?', '?'];
  const counts: number[] = [];
  for (const [step, texts] of [abstained, at(2), at(0), abstained, at(0)].entries()) {
    counts.push((await monitor.check(step, prompts, texts)).length);
    if (step === 0) expect(monitor.best).toBeUndefined();
  }
  expect(counts).toEqual([0, 0, 0, 0, 1]);
  expect(monitor.best?.step).toBe(1);
});

it('gives no verdict on, or against, a single judged answer, whose error nobody knows', async () => {
  const judge = (_: readonly string[], texts: readonly string[]) => texts.map((t) => (t === '?' ? null : Number(t)));
  const alarms = async (...looks: string[][]) => {
    const monitor = hackingMonitor({ control: judge, patience: 1 });
    const found: number[] = [];
    for (const [step, texts] of looks.entries()) found.push((await monitor.check(step, prompts, texts)).length);
    return { found, monitor };
  };
  const one = (value: string): string[] => [value, '?', '?', '?'];
  const { found, monitor } = await alarms(one('1'), one('.99'));
  expect(found).toEqual([0, 0]);
  expect(monitor.looks[0]?.error).toBeNaN();
  // nor is one lucky answer the best that all others are measured against
  const lucky = await alarms(one('5'), ['1', '1.1', '.9', '1'], ['0', '.1', '-.1', '0']);
  expect(lucky.found).toEqual([0, 0, 1]);
  expect(lucky.monitor.best?.step).toBe(1);
  // as from a file, where NaN is null
  const earlier = JSON.parse(JSON.stringify(lucky.monitor.looks.slice(0, 1)));
  expect(hackingMonitor({ control: judge, patience: 1, earlier }).best).toBeUndefined();
});

it('counts the errors of both looks', async () => {
  // best: mean 2 of 1, 3, 1, 3, error √(4/3/4) = .577; then means without spread: the limit at 3 is 2 − 1.732
  const monitor = hackingMonitor({ control: (_, texts) => texts.map(Number), patience: 1 });
  const counts: number[] = [];
  for (const [step, texts] of [['1', '3', '1', '3'], Array(4).fill('.3'), Array(4).fill('.2')].entries())
    counts.push((await monitor.check(step, prompts, texts)).length);
  expect(counts).toEqual([0, 0, 1]);
});

it('sees answers become short or empty and the policy go too far; is silent in between', async () => {
  let kl = 1;
  const monitor = hackingMonitor({
    control: (_, texts) => texts.map(() => 0),
    patience: 1,
    minLengthRatio: 0.5,
    maxEmptyRate: 0.25,
    maxKl: 2,
    kl: () => kl,
    every: 10,
  });
  const four = ['a b c d', 'a b c d', 'a b c d', 'a b c d'];
  expect(await monitor.check(1, prompts, four)).toEqual([]);
  expect(await monitor.check(11, prompts, ['', '', '', ''])).toEqual([]); // not its turn
  kl = 3;
  const alerts = await monitor.check(20, prompts, ['', '', 'a', 'a']);
  expect(alerts.map((a) => a.message)).toEqual([
    'answers have 0.5 words, 2.0 is the least',
    '50 % of answers are empty',
    'the policy is 3.00 nats from its start',
  ]);
  expect(() => hackingMonitor({ control, patience: 0 })).toThrow(/patience: out of range/);
  expect(() => hackingMonitor({ control, patience: 1, maxKl: 1 })).toThrow(/nothing says what the KL is/);
});

it('finds where the truth turns while the proxy rises', () => {
  const points = [0, 1, 2, 1.5, 0.5].map((gold, i) => ({ kl: i, proxy: i, gold }));
  expect(overOptimisation(points)).toMatchObject({
    peak: { kl: 2, gold: 2 },
    last: { kl: 4 },
    drop: 1.5,
    hacked: true,
  });
  expect(overOptimisation(points.slice(0, 3)).hacked).toBe(false);
  expect(() => overOptimisation([])).toThrow(/there are no points/);
  expect(() => overOptimisation([...points, { kl: 5, proxy: 5, gold: Number.NaN }])).toThrow(
    /overOptimisation, point 5: a reward is no number; got "proxy 5, gold NaN"/,
  );
});

it('reports how answers drift', () => {
  expect(driftReport(['a b c', 'd e f'], ['a b', 'a b', ''])).toEqual({
    length: [3, 4 / 3],
    distinct2: [1, 0.5],
    repeated: [0, 2 / 3],
    empty: [0, 1 / 3],
  });
});

it('speaks where the KL is no number', async () => {
  const monitor = hackingMonitor({ control: () => [0], patience: 1, maxKl: 1, kl: () => Number.NaN });
  const [alert] = await monitor.check(0, ['p'], ['a']);
  expect(alert).toMatchObject({ message: 'the policy is NaN nats from its start', stop: true });
});

it('needs a control, its patience and answers', async () => {
  expect(() => hackingMonitor({ control } as never)).toThrow(/patience: out of range/);
  expect(() => hackingMonitor({ patience: 1 } as never)).toThrow(/control: no function/);
  const monitor = hackingMonitor({ control, patience: 1, minLengthRatio: 0.5 });
  await expect(monitor.check(0, [], [])).rejects.toThrow(/there are no answers to look at/);
  await expect(monitor.check(0, ['p'], at(1))).rejects.toThrow(/prompts and answers differ in number; got 4, wanted 1/);
  const text = hackingMonitor({ control, patience: 1, maxKl: 1, kl: () => '.5' as never });
  await expect(text.check(0, prompts, at(1))).rejects.toThrow(/hackingMonitor.kl, step 0: no number; got ".5"/);
  expect(monitor.looks).toEqual([]);
});

it('takes no window that is none, and no KL', () => {
  const points = [0, 1, 2].map((gold) => ({ kl: gold, proxy: gold, gold }));
  expect(overOptimisation(points, { smooth: 3 }).peak).toBe(points[2]);
  for (const smooth of [Number.NaN, -3, 0, 2, 2.5]) {
    expect(() => overOptimisation(points, { smooth })).toThrow(/smooth: no window/);
  }
  expect(() => overOptimisation([{ kl: Number.NaN, proxy: 1, gold: 1 }])).toThrow(/point 0: its KL is no number/);
});
