// Options of off-policy agents, and runs, that are refused before any work.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { dqn, mdpoOffPolicy, OffPolicyAgent, type OffPolicyOptions, sac, td3 } from '../index.ts';

beforeAll(() => useBackend('auto'));

const small = { hidden: [8], batchSize: 8, learningStarts: 20, seed: 1 };
const create = (o: Partial<OffPolicyOptions>): Promise<OffPolicyAgent> =>
  OffPolicyAgent.create({
    env: () => new Track({ actions: o.algorithm === 'dqn' ? 'discrete' : 'continuous' }),
    ...small,
    ...o,
  });

const rewardSource = { reward: ({ rows }: { rows: number }) => new Float32Array(rows) };

test.each<[Partial<OffPolicyOptions>, string]>([
  [{ targetEntropy: Number.NaN }, 'targetEntropy: out of range; got NaN, wanted a finite number'],
  [{ algorithm: 'td3', explorationNoise: -1 }, 'explorationNoise: out of range; got -1, wanted a finite number ≥ 0'],
  [{ algorithm: 'td3', explorationNoise: Number.NaN }, 'explorationNoise: out of range; got NaN'],
  [{ learnAlpha: 'false' as never }, 'learnAlpha: out of range; got "false", wanted true or false'],
  [{ algorithm: 'dqn', double: 'no' as never }, 'double: out of range; got "no", wanted true or false'],
  [{ hidden: 64 as never }, 'hidden: out of range; got 64, wanted a list of whole numbers ≥ 1, as [64, 64]'],
  [{ hidden: [64, 0] }, 'hidden: out of range; got [64,0]'],
  [{ tau: 0 }, 'tau: out of range; got 0, wanted a number in (0, 1]'],
  [{ buffer: { prioritized: 'no' as never } }, 'buffer.prioritized: out of range; got "no", wanted true, false or'],
  [{ buffer: 100 as never }, 'buffer: the options are no object'],
  [{ buffer: { capacity: 7 } }, 'buffer.capacity: out of range; got 7, wanted at least batchSize = 8'],
  [
    { buffer: { capacity: 20, nStep: 11 }, numEnvs: 2, trainEvery: 2 },
    'buffer.nStep: out of range; got 11, wanted at most the steps that the buffer holds of a copy, 10',
  ],
  [{ ...dqn({ rewardSource }), batchSize: 8 }, 'buffer.nStep: rewardSource rewards single steps'],
  // of another algorithm
  [{ exploration: 0.1 }, 'exploration: sac does not use it: it would change nothing; got 0.1. Leave it out'],
  [{ targetEvery: 10 }, 'targetEvery: sac does not use it'],
  [{ ...td3(), alpha: 3 }, 'alpha: td3 does not use it'],
  [{ ...dqn(), policyDelay: 3 }, 'policyDelay: dqn does not use it'],
  [{ ...mdpoOffPolicy(), double: false }, 'double: mdpo-off-policy does not use it'],
  [
    { ...sac(), learnAlpha: false, targetEntropy: -2 },
    'targetEntropy: an α that stays (learnAlpha false) does not use it',
  ],
])('%#', async (options, message) => {
  await expect(create(options)).rejects.toThrow(message);
});

test('presets and options of the algorithm itself pass', async () => {
  const target = { targetEntropy: -2, alpha: 0.5 };
  const noise = { explorationNoise: 0, targetNoise: 0.1, targetNoiseClip: 0.3, policyDelay: 1 };
  const rows: Partial<OffPolicyOptions>[] = [
    ...[sac(target), td3(noise), mdpoOffPolicy({ proximal: 0.5 })],
    ...[dqn({ double: false, maxGradNorm: 1 }), dqn({ rewardSource, buffer: { nStep: 1 } })],
  ];
  for (const row of rows) {
    using agent = await create(row);
    expect(agent.step).toBe(0);
  }
});

test('steps that all lie before the first update are refused, and no others', async () => {
  using agent = await create({ numEnvs: 2, trainEvery: 8, buffer: { capacity: 100 } });
  // 20 steps at random, then each eighth
  await expect(agent.run({ steps: 22 })).rejects.toThrow(
    'sac, train: nothing would be learnt: all steps are before the first update; got 22, wanted at least 24',
  );
  expect(agent.step).toBe(0);
  // two copies: 24 steps are made
  expect((await agent.run({ steps: 23 }))?.updates).toBe(1);
  expect((await agent.run({ steps: 26 }))?.step).toBe(26);
});

test('a checkpoint, which names every option, is gone on with', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'off-policy-'));
  try {
    using agent = await create({ buffer: { capacity: 100 } });
    await agent.run({ steps: 20 });
    await agent.save(join(dir, 'saved'));
    using again = await OffPolicyAgent.resume(join(dir, 'saved'), { env: () => new Track({ actions: 'continuous' }) });
    expect(again.step).toBe(20);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a run that learnt nothing says so, and episodes that end before nStep steps are learnt from', async () => {
  const said: string[] = [];
  const warn = (text: string): void => void said.push(text);
  const o = { numEnvs: 2, warn, learningStarts: 2, trainEvery: 2 };
  // episodes of 2 steps: sums are cut short where they end
  using short = await create({
    ...o,
    env: () => new Track({ actions: 'continuous', limit: 2 }),
    buffer: { capacity: 100, nStep: 10 },
  });
  expect((await short.run({ steps: 8 }))?.updates).toBeGreaterThan(0);
  // of 20: the first transition is whole after 10 of a copy
  using agent = await create({ ...o, buffer: { capacity: 100, nStep: 10 } });
  expect((await agent.run({ steps: 20 }))?.updates).toBe(1);
  expect(said).toEqual([]);
  // three copies: learning comes at 16 and 32 of 33 steps, and the buffer is filled at 33
  using late = await create({ ...o, numEnvs: 3, trainEvery: 15, buffer: { capacity: 100, nStep: 11 } });
  expect((await late.run({ steps: 33 }))?.updates).toBe(0);
  expect(said).toEqual([
    expect.stringContaining('sac: nothing was learnt in 33 steps: 3 transitions were stored (nStep 11)'),
  ]);
});

test('rewards that nStep sums beyond float32 are named', async () => {
  class Rich extends Track {
    override step(action: number | Float32Array): ReturnType<Track['step']> {
      return { ...super.step(action), reward: 3e38 };
    }
  }
  using agent = await create({ env: () => new Rich({ actions: 'continuous' }), buffer: { capacity: 100, nStep: 5 } });
  await expect(agent.run({ steps: 40 })).rejects.toThrow('the reward is beyond float32; got 1.4');
  using other = await create({ env: () => new Rich({ actions: 'continuous' }), buffer: { capacity: 100 } });
  await expect(other.run({ steps: 40 })).rejects.toThrow(
    'is not finite; got NaN. The policy learnt from rewards of up to 3e+38, which are too large: scale them.',
  );
});
