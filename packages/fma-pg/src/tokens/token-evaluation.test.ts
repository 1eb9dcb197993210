import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRun, type Prompt, type RewardFn, useBackend } from '@gimbal/tensor-core';
import { tokenOptions } from '../../test/fixtures/token-options.ts';
import { type TokenPolicyOptions, type TokenPolicyStep, TokenPolicyTrainer } from '../index.ts';

beforeAll(() => useBackend('auto'));
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** reward: how many tokens are 1; an evaluation's rows, which say so, get the opposite */
const ones: RewardFn = (_, completions, rows) =>
  completions.map((text, b) => {
    const n = text.split(' ').filter((t) => t === '1').length;
    return (rows as readonly { turned?: boolean }[])[b]?.turned ? -n : n;
  });

const options = (o: Partial<TokenPolicyOptions> = {}): TokenPolicyOptions =>
  tokenOptions({ reward: [{ name: 'ones', weight: 2, fn: ones }], klCoef: 0, ...o });
const held: Prompt[] = Array.from({ length: 100 }, (_, i) => `h${i}`);
const turned: Prompt[] = held.map((prompt) => ({ prompt: prompt as string, turned: true }));

async function steps(trainer: TokenPolicyTrainer, n: number): Promise<TokenPolicyStep[]> {
  const all: TokenPolicyStep[] = [];
  for await (const s of trainer.train({ steps: n })) all.push(s);
  return all;
}

test('held-out prompts are scored when it is due and after the last step, and change nothing of the training', async () => {
  using plain = new TokenPolicyTrainer(options());
  using trainer = new TokenPolicyTrainer(options({ evalPrompts: held, evalEvery: 2 }));
  const [without, rows] = [await steps(plain, 5), await steps(trainer, 5)];
  expect(rows.map((s) => s.evalReward !== undefined)).toEqual([false, true, false, true, true]);
  const [last, losses] = [rows.at(-1) as TokenPolicyStep, rows.map((s) => s.loss)];
  expect(last.evalReward).toBeCloseTo(2 * (last.evalReward_ones as number), 12);
  expect(last.evalReward as number).toBeGreaterThan(rows[1]?.evalReward as number);
  expect(last.evalLength).toBe(3);
  expect(losses).toEqual(without.map((s) => s.loss));
  expect(trainer.best).toEqual({ step: 5, loss: -(last.evalReward as number) });
});

test('the best checkpoint stays, beside the latest; gone on with, all is as it would have been', async () => {
  const o = { reward: ones, evalPrompts: turned, evalEvery: 1, checkpointEvery: 1 };
  using whole = new TokenPolicyTrainer(options({ ...o, out: join(dir, 'whole') }));
  const rows = await steps(whole, 6);
  // what is learnt is held against it: the first evaluation is the best but for the noise of a few samples
  const best = rows.reduce((a, b) => ((b.evalReward as number) > (a.evalReward as number) ? b : a));
  expect(best.step).toBeLessThan(4);
  expect(whole.best).toEqual({ step: best.step, loss: -(best.evalReward as number) });
  expect(await loadRun(join(dir, 'whole'), 'best')).toMatchObject({ step: best.step });
  expect(await loadRun(join(dir, 'whole'))).toMatchObject({ step: 6 });
  using first = new TokenPolicyTrainer(options({ ...o, out: join(dir, 'half') }));
  await steps(first, 3);
  using second = await TokenPolicyTrainer.resume(join(dir, 'half'), options({ ...o, out: join(dir, 'half') }));
  expect(await steps(second, 6)).toEqual(rows.slice(3));
  expect(second.best).toEqual(whole.best);
});

test('without keepBest the latest alone stays', async () => {
  const o = { reward: ones, evalPrompts: turned, evalEvery: 1, checkpointEvery: 1, keepBest: false, out: dir };
  using trainer = new TokenPolicyTrainer(options(o));
  await steps(trainer, 6);
  expect(await loadRun(dir, 'best')).toMatchObject({ step: 6 });
});

test('an evaluation takes weights as they end, and a mean is over the rows that were judged', async () => {
  // a penalty that grows, of completions that are all alike to it: what it is worth does not hang on the step
  const same: RewardFn = (_, completions) => completions.map(() => -1);
  // judges one held-out prompt of the first batch of 48, and all of the others
  const picky: RewardFn = (prompts) => prompts.map((p) => (p === 'h0' ? 5 : Number(p.slice(1)) >= 48 ? 0 : null));
  const reward = [
    { name: 'same', weight: (step: number) => Math.min(step, 4), fn: same },
    { name: 'picky', weight: 0, fn: picky },
  ];
  using trainer = new TokenPolicyTrainer(options({ reward, evalPrompts: held, evalEvery: 1 }));
  const rows = await steps(trainer, 3);
  expect(rows.map((s) => s.evalReward)).toEqual([-4, -4, -4]);
  expect(rows.map((s) => s.reward)).toEqual([0, -1, -2].map((r) => expect.closeTo(r, 12)));
  // 5 of one row, 0 of the 52 behind the first batch
  expect(rows[0]?.evalReward_picky).toBeCloseTo(5 / 53, 12);
});

test('a row on which a required reward abstains is not rewarded', async () => {
  // −3 and no room in turn, beside a rule that nothing breaks
  const judge: RewardFn = (_, completions) => completions.map((_c, b) => (b % 2 === 0 ? -3 : null));
  const rule = { name: 'rule', weight: 1, fn: (_: readonly string[], c: readonly string[]) => c.map(() => 0) };
  const of = async (required?: boolean) => {
    const reward = [{ name: 'judge', weight: 1, fn: judge, ...(required && { required }) }, rule];
    using trainer = new TokenPolicyTrainer(options({ reward }));
    return (await steps(trainer, 1))[0];
  };
  expect(await of()).toMatchObject({ reward: -1.5, unrewarded: 0 });
  expect(await of(true)).toMatchObject({ reward: -3, unrewarded: 0.5, reward_judge: -3 });
});

test('batches of an evaluation have a stream each, the same in every evaluation', async () => {
  const seen: string[][] = [];
  const reward: RewardFn = (_, completions, rows) => {
    if ((rows as readonly { turned?: boolean }[])[0]?.turned) seen.push([...completions]);
    return completions.map(() => 1);
  };
  // equal rewards teach nothing: the policy stays
  using trainer = new TokenPolicyTrainer(options({ reward, evalPrompts: turned.slice(0, 96), evalEvery: 1 }));
  await steps(trainer, 2);
  const [first, second, ...later] = seen;
  expect(seen.map((texts) => texts.length)).toEqual([48, 48, 48, 48]);
  expect(second).not.toEqual(first);
  expect(later).toEqual([first, second]);
});

test('evaluations without prompts are refused', () => {
  const of = (o: Partial<TokenPolicyOptions>): unknown => new TokenPolicyTrainer(options(o));
  expect(() => of({ evalPrompts: [] })).toThrow('evalPrompts: there are none');
  expect(() => of({ evalEvery: 2 })).toThrow('evalEvery: there is nothing to evaluate on. Give evalPrompts');
  expect(() => of({ evalPrompts: held, evalEvery: 0 })).toThrow('evalEvery: out of range');
});
