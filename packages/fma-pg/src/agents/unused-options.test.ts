// Options of on-policy agents that would change nothing, or stand for something else than they say.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OnPolicyAgent, type OnPolicyOptions, onPolicyPresets, ppoKl, surrogates, trpo } from '../index.ts';

beforeAll(() => useBackend('auto'));

const create = (o: Partial<OnPolicyOptions>): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env: () => new Track({ dict: true }), rollout: 32, hidden: [8], seed: 1, ...o });
const natural = { ...trpo(), rollout: 32 };

test.each<[Partial<OnPolicyOptions>, string]>([
  [
    { ...natural, surrogate: surrogates.ppoClip() },
    'surrogate: method trpo does not use it: it would change nothing; got "ppoClip"',
  ],
  [{ ...natural, epochs: 7 }, 'epochs: method trpo does not use it'],
  [{ method: 'npg', minibatches: 3 }, 'minibatches: method npg does not use it'],
  [{ ...natural, adaptiveKl: { target: 0.1 } }, 'adaptiveKl: method trpo does not use it'],
  [{ ...natural, entropyCoef: 0.1 }, 'entropyCoef: method trpo does not use it'],
  [{ ...natural, returns: 'vtrace' }, 'returns: method trpo does not use it'],
  [
    { ...natural, learningRate: 0.1 },
    'learningRate: method trpo, whose critic has its own (critic.learningRate), does',
  ],
  [{ ...natural, valueCoef: 1 }, 'valueCoef: a critic trained apart does not use it'],
  [{ critic: { epochs: 1, batchSize: 8 }, valueCoef: 1 }, 'valueCoef: a critic trained apart does not use it'],
  [{ trustRegion: { delta: 0.1 } }, 'trustRegion: a method of gradient steps does not use it'],
  [
    { adaptiveKl: { target: 0.01 }, surrogate: surrogates.ppoClip() },
    'adaptiveKl: the surrogate has no penalty that could be adapted; got "ppoClip", wanted ppoKl',
  ],
  [
    ppoKl({ rollout: 32, minibatches: 2, surrogate: surrogates.ppoKl({ klCoef: 3 }) }),
    'surrogate.klCoef: adaptiveKl (its first is adaptiveKl.initial) does not use it',
  ],
  [{ discountedStateWeights: 'yes' as never }, 'discountedStateWeights: out of range; got "yes", wanted true or false'],
  [{ initialLogStd: Number.NaN }, 'initialLogStd: out of range; got NaN, wanted a finite number'],
  [{ surrogate: surrogates.ppoClip as never }, 'surrogate: no surrogate'],
  [{ criticObs: ['priviledged'] }, 'criticObs: the observation has no such key; got "priviledged"'],
  [{ criticObs: ['place', 'privileged'] }, 'criticObs: nothing is left for the policy to see'],
  [
    { env: () => new Track(), criticObs: ['x'] },
    'criticObs: the observation has no such key; got "x", wanted a dictionary observation',
  ],
])('%#', async (options, message) => {
  await expect(create(options)).rejects.toThrow(message);
});

test('every preset passes, and what is true of one natural-gradient step may be said', async () => {
  const said = { ...natural, epochs: 1, minibatches: 1, innerGuard: 'off', entropyCoef: 0, returns: 'gae' } as const;
  const rated = { ...natural, critic: { epochs: 1, batchSize: 8 }, learningRate: 0.1 };
  const presets = Object.values(onPolicyPresets).map((preset) => preset());
  for (const options of [
    ...presets.map(({ rollout: _, minibatches, ...o }) => ({ ...o, ...(minibatches && { minibatches: 1 }) })),
    said,
    rated,
  ]) {
    using agent = await create(options);
    expect(agent.step).toBe(0);
  }
});

test('adaptiveKl alone is PPO-KL; a checkpoint, which names every option, is gone on with', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'unused-'));
  try {
    const adaptive = { adaptiveKl: { target: 0.01 } };
    for (const [name, options] of Object.entries({ adaptive, natural })) {
      using agent = await create(options);
      if (name === 'adaptive') expect(agent.options.surrogate.surrogate).toBe('ppoKl');
      await agent.run({ steps: 32 });
      await agent.save(join(dir, name));
      using again = await OnPolicyAgent.resume(join(dir, name), { env: () => new Track({ dict: true }) });
      const [a, b] = [await agent.run({ steps: 64 }), await again.run({ steps: 64 })];
      expect(b?.policyLoss).toBe(a?.policyLoss);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});
