/** Completions of earlier steps are used again, and λ rises with the loss on fixed ones: DistiLLM's two schedules. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { type GkdOptions, type GkdStep, GkdTrainer, presets } from '../src/index.ts';
import { AdaptiveShare } from '../src/training/adaptive-share.ts';
import { ReplayBuffer, type Written } from '../src/training/replay-buffer.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher, right } = counting(0.9);
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const prompts = Array.from('0123456789');
const data = prompts.map((prompt) => ({ prompt, completion: right(prompt) }));
const options = (o: Partial<GkdOptions> = {}): GkdOptions => ({
  ...{ student, params, tokenizer: vocabulary, teacher, prompts, divergence: 'fkl', maxNewTokens: 5 },
  ...{ batchSize: 8, learningRate: 0.01, seed: 1, ...o },
});

async function stepsOf(o: Partial<GkdOptions>, steps: number): Promise<GkdStep[]> {
  using trainer = new GkdTrainer(options(o));
  const out: GkdStep[] = [];
  for await (const step of trainer.train({ steps })) out.push(step);
  return out;
}

const written = (prompt: number): Written => ({ prompt, completion: [prompt], ended: true });

test('a buffer writes anew until it is full, keeps the newest, and comes back from JSON', () => {
  const made = (): ReplayBuffer => new ReplayBuffer({ capacity: 3, fresh: 0 }, rng(0));
  const buffer = made();
  expect(buffer.plan(0, [0, 1], false)).toEqual({ fresh: [0, 1], earlier: [] });
  buffer.add([0, 1].map(written));
  expect(buffer.plan(1, [4], true).fresh).toEqual([4]);
  buffer.add([2, 3, 4].map(written));
  const plan = buffer.plan(
    2,
    Array.from({ length: 200 }).map((_, i) => i),
    false,
  );
  expect(plan.fresh).toEqual([]);
  expect(new Set(plan.earlier.map(([, { prompt }]) => prompt))).toEqual(new Set([2, 3, 4]));
  const again = made();
  again.restore(JSON.parse(JSON.stringify(buffer.state())));
  expect(again.plan(5, [0, 1, 2], false)).toEqual(buffer.plan(5, [0, 1, 2], false));
});

test('the share that is written anew follows the schedule: by completion, or all of a step', () => {
  const buffer = new ReplayBuffer({ capacity: 1, fresh: (step) => (step === 0 ? 1 : 0.25) }, rng(0));
  buffer.add([written(0)]);
  const places = Array.from({ length: 400 }).map((_, i) => i);
  expect(buffer.plan(0, places, false).earlier).toEqual([]);
  const share = buffer.plan(1, places, false).fresh.length / 400;
  expect(share).toBeGreaterThan(0.18);
  expect(share).toBeLessThan(0.32);
  const whole = places.slice(0, 40).map((step) => buffer.plan(step + 1, [0, 1], true).fresh.length);
  expect(new Set(whole)).toEqual(new Set([0, 2]));
});

test('λ rises where a loss is at least the tolerance above that of the last rise, by hand', () => {
  const share = new AdaptiveShare({ raise: 0.4, tolerance: 0.1 }, 0.1);
  const after = [1, 0.8, 1.05, 1.1, 1.15, 1.3, 1.5].map((loss) => {
    share.observe(loss);
    return share.share;
  });
  // 1.1 ≥ 1 + .1; 1.15 < 1.1 + .1; 1.3 and 1.5 rise, to 1 at most
  expect(after).toEqual([0.1, 0.1, 0.1, 0.5, 0.5, 0.9, 1].map((x) => expect.closeTo(x, 9)));
});

test('once the buffer is full no completion is sampled that need not be', async () => {
  let calls = 0;
  const watched = {
    ...student,
    sample(...a: Parameters<typeof student.sample>) {
      calls++;
      return student.sample(...a);
    },
  };
  const found = await stepsOf({ student: watched, replay: { capacity: 16, fresh: 0 } }, 6);
  expect(calls).toBe(2);
  expect(found.map(({ replayShare }) => replayShare)).toEqual([0, 0, 1, 1, 1, 1]);
  expect(found.map(({ studentShare }) => studentShare)).toEqual(Array(6).fill(1));
  // what is learned from is what was written, answers with their prompts
  using all = new GkdTrainer(options({ replay: { capacity: 4, fresh: 0 }, batchSize: 4 }));
  const pairs: Set<string>[] = [];
  for await (const { samples } of all.train({ steps: 3 }))
    pairs.push(new Set(samples.map(({ prompt, completion }) => `${prompt}:${completion}`)));
  for (const later of pairs.slice(1)) for (const pair of later) expect(pairs[0]).toContain(pair);
});

test('a resumed run goes on with its buffer and its λ', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gkd-replay-'));
  const o = options({
    ...{ replay: { capacity: 10, fresh: 0.3 }, mixing: 'sequence', offPolicy: { source: 'dataset', data } },
    ...{ lambda: 0.2, adaptiveLambda: { raise: 0.3, tolerance: 0 }, heldOut: data.slice(0, 3), evalEvery: 2 },
  });
  try {
    const rest = async (trainer: GkdTrainer): Promise<GkdStep[]> => {
      const out: GkdStep[] = [];
      for await (const step of trainer.train({ steps: 12 })) out.push(step);
      return out;
    };
    using whole = new GkdTrainer(o);
    const all = await rest(whole);
    using first = new GkdTrainer(o);
    // stopped at an evaluation that the whole run did not have there
    await first.run({ steps: 5 });
    await first.save(join(dir, 'step-5'));
    using second = await GkdTrainer.resume(join(dir, 'step-5'), o);
    const after = await rest(second);
    const told = (s: GkdStep): unknown[] => [s.loss, s.lambda, s.replayShare, s.studentShare];
    expect(after.map(told)).toEqual(all.slice(5).map(told));
    expect(all.at(-1)?.replayShare).toBeDefined();
    await expect(
      GkdTrainer.resume(join(dir, 'step-5'), { ...o, replay: { capacity: 11, fresh: 0.3 } }),
    ).rejects.toThrow(/replay/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('λ begins with the data and rises while the loss on held-out answers stays', async () => {
  const found = await stepsOf(
    {
      ...{ offPolicy: { source: 'dataset', data }, heldOut: data.slice(0, 3), evalEvery: 1, learningRate: 0 },
      ...{ lambda: 0, adaptiveLambda: { raise: 0.5, tolerance: 0 }, mixing: 'sequence' },
    },
    5,
  );
  expect(found.map(({ lambda }) => lambda)).toEqual([0, 0, 0.5, 1, 1]);
  expect(found[0]?.source).toBe('dataset');
  expect(found[4]?.source).toBe('student');
});

test('distillm has a buffer, and its λ where there is something to go by', () => {
  const replay = { capacity: 1000, fresh: 0.5 };
  const divergence = { kind: 'skew-fkl', alpha: 0.1 };
  expect(presets.distillm({})).toEqual({ divergence, replay, lambda: 1 });
  const given = { offPolicy: { source: 'dataset', data }, heldOut: data, evalEvery: 5 } as const;
  expect(presets.distillm(given)).toEqual({
    ...{ divergence, replay, lambda: 0, adaptiveLambda: { raise: 0.1, tolerance: 0.1 } },
    ...given,
  });
  expect(presets.distillm({ ...given, lambda: 0.5 })).toEqual({ divergence, replay, lambda: 0.5, ...given });
  expect(presets.distillm({ futureDiscount: 1 }).replay).toBeUndefined();
});

const adaptive = { adaptiveLambda: { raise: 0.1, tolerance: 0 }, heldOut: data, evalEvery: 1, lambda: 0 };
const offPolicy = { source: 'dataset', data } as const;
test.each<[string, Partial<GkdOptions>, string]>([
  ['a buffer for nothing', { replay: { capacity: 0, fresh: 1 } }, 'replay.capacity'],
  ['a share beyond 1', { replay: { capacity: 1, fresh: 2 } }, 'replay.fresh'],
  ['a misspelt option of the buffer', { replay: { capacity: 1, fresch: 1 } as never }, 'Did you mean fresh?'],
  ['old completions with γ', { replay: { capacity: 1, fresh: 1 }, futureDiscount: 1 }, 'futureDiscount: completions'],
  [
    'old completions with a reward',
    { replay: { capacity: 1, fresh: 1 }, reward: { fn: () => [], alpha: 0.5, samplesPerPrompt: 2 } },
    'reward: completions of earlier steps',
  ],
  [
    'old completions with sampled-rkl',
    { replay: { capacity: 1, fresh: 1 }, divergence: 'sampled-rkl' },
    'divergence: ',
  ],
  ['no rise', { ...adaptive, offPolicy, adaptiveLambda: { raise: 0, tolerance: 0 } }, 'adaptiveLambda.raise'],
  ['a tolerance below 0', { ...adaptive, offPolicy, adaptiveLambda: { raise: 1, tolerance: -1 } }, 'tolerance'],
  ['an adaptive λ that is 1 at first', { ...adaptive, offPolicy, lambda: 1 }, 'lambda: an adaptive λ'],
  ['an adaptive schedule', { ...adaptive, offPolicy, lambda: () => 0 }, 'lambda: an adaptive λ'],
  ['nothing to go by', { ...adaptive, offPolicy, heldOut: undefined as never }, 'heldOut: an adaptive λ'],
  ['never evaluated', { ...adaptive, offPolicy, evalEvery: undefined as never }, 'evalEvery: an adaptive λ'],
  ['no data to begin with', adaptive, 'offPolicy: lambda changes'],
  ['nll whose λ rises', { ...adaptive, offPolicy, divergence: 'nll' }, 'would teach it its mistakes'],
])('refuses %s', (_, o, message) => {
  expect(() => new GkdTrainer(options(o))).toThrow(message);
});
