// A run goes on with the hooks that it had, or not at all.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { type Scalar, scalar, square, variable } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import { type AuxLoss, evaluate, OffPolicyAgent, OnPolicyAgent, type RewardSource } from '../index.ts';
import { checkHooksGoingOn, hooksOf } from './saved-hooks.ts';

beforeAll(() => useBackend('auto'));

const rewardSource: RewardSource = { reward: ({ rewards }) => rewards };
const loss = (name: string, learningRate?: number): AuxLoss => ({
  ...{ name, params: {}, loss: () => scalar(0) },
  ...(learningRate !== undefined && { learningRate }),
});

test.each([
  [{ rewardSource }, {}, 'resume, rewardSource: it was a function, which no checkpoint holds. Give rewardSource again'],
  [{}, { rewardSource }, 'resume, rewardSource: the run had none'],
  [
    { auxLosses: [loss('a')] },
    {},
    'resume, auxLosses: a: it was a function, which no checkpoint holds. Give auxLosses',
  ],
  [{ auxLosses: [loss('a')] }, { auxLosses: [loss('b')] }, 'resume, auxLosses: a: it was a function'],
  [{}, { auxLosses: [loss('b')] }, 'resume, auxLosses: the run had no b'],
  // names that every object has
  [{ auxLosses: [loss('toString')] }, { auxLosses: [] }, 'resume, auxLosses: toString: it was a function'],
  [{}, { auxLosses: [loss('constructor')] }, 'resume, auxLosses: the run had no constructor'],
  [
    { auxLosses: [loss('a')] },
    { auxLosses: [loss('a', 0.1)] },
    'resume, auxLosses: learningRate of a differs; got 0.1, wanted 0.0003',
  ],
])('hooks that are not those of the run are refused: %#', (saved, given, message) => {
  expect(() => checkHooksGoingOn(hooksOf(saved), given)).toThrow(message);
  expect(() => checkHooksGoingOn(hooksOf(saved), saved)).not.toThrow();
  // an older checkpoint does not say
  expect(() => checkHooksGoingOn(undefined, given)).not.toThrow();
});

test('agents of both classes want their hooks again', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'saved-hooks-'));
  const w = variable(scalar(1));
  try {
    const auxLosses = [{ name: 'w', params: { w }, loss: () => square(w) as Scalar }];
    const env = (): Track => new Track({ actions: 'continuous' });
    const o = { env, hidden: [4], seed: 1, rewardSource };
    using on = await OnPolicyAgent.create({ ...o, rollout: 16, auxLosses });
    using off = await OffPolicyAgent.create({ ...o, buffer: { capacity: 300 } });
    await on.save(join(dir, 'on'));
    await off.save(join(dir, 'off'));
    await expect(OnPolicyAgent.resume(join(dir, 'on'), { env, auxLosses })).rejects.toThrow('Give rewardSource again');
    await expect(OnPolicyAgent.resume(join(dir, 'on'), { env, rewardSource })).rejects.toThrow('Give auxLosses again');
    await expect(OffPolicyAgent.resume(join(dir, 'off'), { env })).rejects.toThrow('Give rewardSource again');
    // left out expressly, it can be played, and is neither trained nor saved
    const none = { env, rewardSource: undefined, auxLosses: undefined };
    using played = await OnPolicyAgent.resume(join(dir, 'on'), none);
    expect((await evaluate(played, { episodes: 1, seed: 1 })).returns).toHaveLength(1);
    await expect(played.run({ steps: 16 })).rejects.toThrow('on-policy, rewardSource: it was a function');
    await expect(played.save(join(dir, 'again'))).rejects.toThrow('Resume with rewardSource; without it can be');
    using half = await OnPolicyAgent.resume(join(dir, 'on'), { ...none, rewardSource });
    await expect(half.run({ steps: 16 })).rejects.toThrow('on-policy, auxLosses: w: it was a function');
    using off2 = await OffPolicyAgent.resume(join(dir, 'off'), { env, rewardSource: undefined });
    await expect(off2.run({ steps: 200 })).rejects.toThrow('rewardSource: it was a function');
    (await OnPolicyAgent.resume(join(dir, 'on'), { env, rewardSource, auxLosses })).dispose();
    (await OffPolicyAgent.resume(join(dir, 'off'), { env, rewardSource })).dispose();
  } finally {
    w.dispose();
    await rm(dir, { recursive: true });
  }
});
