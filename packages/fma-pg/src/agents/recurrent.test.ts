// Policies with a memory: they remember, begin anew with each episode, learn by sequences and resume to the bit.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { type Call, noted } from '../../test/fixtures/noted.ts';
import { Recall } from '../../test/fixtures/recall.ts';
import { Track } from '../../test/fixtures/track.ts';
import {
  evaluate,
  OnPolicyAgent,
  type OnPolicyOptions,
  type OnPolicyStep,
  policyOf,
  ppo,
  surrogates,
} from '../index.ts';
import { memoryAfter } from './sequences.ts';

beforeAll(() => useBackend('auto'));

const options = {
  ...{ env: () => new Recall(), numEnvs: 8, rollout: 30, epochs: 4, minibatches: 4, hidden: [16], seed: 1 },
  ...{ learningRate: 0.01, gamma: 0.95 },
} satisfies OnPolicyOptions;
const make = (o: Partial<OnPolicyOptions> = {}): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ ...options, recurrent: { cell: 'gru', size: 16, sequence: 15 }, ...o });
const numbers = (s: OnPolicyStep): object => ({ ...s, stepsPerSecond: 0 });
const play = (agent: OnPolicyAgent): Promise<{ mean: number }> =>
  evaluate(agent, { episodes: 40, seed: 3, numEnvs: 4 });

test.each(['gru', 'lstm'] as const)('%s: what was seen six steps ago decides the action', async (cell) => {
  using agent = await make({ recurrent: { cell, size: 16 } });
  await agent.run({ steps: 24_000 });
  expect((await play(agent)).mean).toBeGreaterThan(0.95);
});

test('without a memory no policy does better than chance there', async () => {
  using agent = await OnPolicyAgent.create(options);
  await agent.run({ steps: 24_000 });
  expect((await play(agent)).mean).toBeLessThan(0.5);
});

test('masks, continuous actions, time limits and normalisation go with a memory', async () => {
  const remembering = { recurrent: { cell: 'lstm', size: 8 }, normalize: { obs: true, reward: true } } as const;
  using masked = await make({ ...remembering, env: () => new Track({ masks: true }) });
  const steps: OnPolicyStep[] = [];
  for await (const s of masked.train({ steps: 240 })) steps.push(s);
  expect(steps[0]?.entropy).toBeCloseTo(Math.LN2, 2);
  using continuous = await make({
    ...ppo(),
    ...remembering,
    env: () => new Track({ actions: 'continuous' }),
    numEnvs: 8,
    rollout: 40,
    minibatches: 4,
    learningRate: 0.01,
    gamma: 0.9,
  });
  await continuous.run({ steps: 16_000 });
  // standing still gets −10, the best policy about −1.5
  expect((await play(continuous)).mean).toBeGreaterThan(-4);
});

test('a rollout that is cut into sequences is seen as when it was acted: before the first step every ratio is 1, and V what Â is of', async () => {
  const calls: Call[] = [];
  const whole = {
    epochs: 1,
    minibatches: 1,
    normalizeAdvantage: false as const,
    surrogate: noted(surrogates.ppoClip(), calls),
  };
  using agent = await make({ env: () => new Track({ ends: true, limit: 7 }), ...whole });
  for await (const s of agent.train({ steps: 720 })) {
    expect(s.ratioMax).toBeCloseTo(1, 5);
    expect(Math.abs(s.klForward)).toBeLessThan(1e-6);
    // returns are Â + V: the loss is ½ mean Â² where V is the same
    const { advantages } = calls.pop() as Call;
    const half = advantages.reduce((sum, a) => sum + a * a, 0) / (2 * advantages.length);
    expect((s.valueLoss as number) / half).toBeCloseTo(1, 4);
  }
});

test('a time limit takes no memory away: values behind it are those of an episode that goes on', async () => {
  // the same five steps; the last is cut off by the time limit, or by the end of the rollout
  const first = async (limit: number): Promise<OnPolicyStep | undefined> => {
    using agent = await make({ env: () => new Track({ limit }), rollout: 5, recurrent: { cell: 'gru', size: 16 } });
    return await agent.run({ steps: 40 });
  };
  const [cut, on] = [await first(5), await first(100)];
  expect([cut?.truncatedShare, on?.episodes]).toEqual([1, 0]);
  for (const metric of ['valueLoss', 'explainedVariance', 'policyLoss', 'gradNorm'])
    expect([metric, cut?.[metric]]).toEqual([metric, on?.[metric]]);
});

test('the memory of a value after an entry is the one that its step left', () => {
  // two copies, two numbers each: block t stands before step t
  const value = Float32Array.from({ length: 4 * 2 * 2 }, (_, i) => i);
  const size = { steps: 3, numEnvs: 2, observation: 1, action: 1, mask: 0 };
  // step 1 of copy 0 and step 2 of copy 1: blocks 2 and 3
  expect([...memoryAfter({ length: 3, policy: value, value }, size, [2, 5], 2)]).toEqual([8, 9, 14, 15]);
});

test('resumed within an episode, updates and play are those of the run that was never stopped, to the bit', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    using whole = await make({ rollout: 20, recurrent: { cell: 'lstm', size: 8, sequence: 10 } });
    const all: OnPolicyStep[] = [];
    for await (const s of whole.train({ steps: 960 })) {
      all.push(s);
      if (all.length === 3) await whole.save(join(dir, 'half'));
    }
    using second = await OnPolicyAgent.resume(join(dir, 'half'), { env: () => new Recall() });
    const rest: OnPolicyStep[] = [];
    for await (const s of second.train({ steps: 960 })) rest.push(s);
    expect(rest.map(numbers)).toEqual(all.slice(3).map(numbers));
    expect(await play(second)).toEqual(await play(whole));
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('played as a function it begins anew where it is told to; tensors stay level', async () => {
  using agent = await make();
  await agent.run({ steps: 480 });
  const env = new Recall();
  const act = policyOf(agent, env);
  const cue = Float32Array.of(1, 0);
  const blank = Float32Array.of(0, 1);
  const episode = (): unknown[] => [act(cue, true), act(blank), act(blank)];
  expect(episode()).toEqual(episode());
  const before = memory().numTensors;
  await agent.run({ steps: 1200 });
  expect(memory().numTensors).toBe(before);
});

test('what does not go with a memory is refused by name', async () => {
  await expect(make({ recurrent: { cell: 'gru', sequence: 7 } })).rejects.toThrow(
    'recurrent.sequence: out of range; got 7, wanted a divisor of rollout = 30',
  );
  await expect(make({ recurrent: { cell: 'rnn' } as never })).rejects.toThrow('recurrent.cell');
  await expect(make({ recurrent: { cell: 'gru', width: 3 } as never })).rejects.toThrow('width');
  await expect(make({ recurrent: { cell: 'gru', sequence: 30 }, minibatches: 9 })).rejects.toThrow(
    'at most rollout·numEnvs/sequence = 8',
  );
  await expect(make({ method: 'trpo' })).rejects.toThrow('a memory does not go with this; got "method trpo"');
});
