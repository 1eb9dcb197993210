// Schedules given as functions are looked at whenever they are asked, not only at the start of the run.
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OffPolicyAgent, OnPolicyAgent, type OnPolicyOptions, surrogates } from '../index.ts';

beforeAll(() => useBackend('auto'));

/** Good at the start, and from a third of the run on what is given. */
const turns = (good: number, bad: unknown) => (progress: number) => (progress < 1 / 3 ? good : bad) as number;

test.each<[Partial<OnPolicyOptions>, string]>([
  [{ learningRate: turns(1e-3, -1e-3) }, 'learningRate, progress 0.333: out of range; got -0.001, wanted a finite'],
  [{ learningRate: turns(1e-3, Number.NaN) }, 'learningRate, progress 0.333: out of range; got NaN'],
  [{ learningRate: turns(1e-3, 'x') }, 'learningRate, progress 0.333: out of range; got "x"'],
  [{ learningRate: turns(1e-3, undefined) }, 'learningRate, progress 0.333: out of range'],
  [{ entropyCoef: turns(0, Number.NaN) }, 'entropyCoef, progress 0.333: out of range; got NaN'],
  [{ surrogate: surrogates.ppoClip({ clipEpsilon: turns(0.2, -0.5) }) }, 'ppoClip.clipEpsilon, progress 0.333: out of'],
  [
    { surrogate: surrogates.ppoClip({ clipEpsilon: { low: 0.2, high: turns(0.3, Number.NaN) } }) },
    'ppoClip.clipEpsilon, p',
  ],
  [{ surrogate: surrogates.sppo({ clipEpsilon: turns(0.2, Number.NaN) }) }, 'sppo.clipEpsilon, progress 0.333: out of'],
  [{ surrogate: surrogates.smdpo({ eta: turns(1, 0) }) }, 'smdpo.eta, progress 0.333: out of range; got 0'],
  [{ surrogate: surrogates.mdpo({ eta: turns(1, Number.NaN) }) }, 'mdpo.eta, progress 0.333: out of range; got NaN'],
  [{ surrogate: surrogates.ppoKl({ klCoef: turns(1, -1) }) }, 'ppoKl.klCoef, progress 0.333: out of range; got -1'],
])('on policy, the update is refused in which a schedule goes wrong: %#', async (o, message) => {
  const options = { env: () => new Track(), rollout: 8, minibatches: 2, epochs: 1, hidden: [4], seed: 1 };
  using agent = await OnPolicyAgent.create({ ...options, ...o });
  await expect(agent.run({ steps: 24 })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining(message),
  });
  expect(agent.step).toBe(8);
});

test('off policy, too', async () => {
  const o = {
    env: () => new Track(),
    algorithm: 'dqn',
    hidden: [4],
    batchSize: 4,
    learningStarts: 4,
    seed: 1,
  } as const;
  using rate = await OffPolicyAgent.create({ ...o, learningRate: turns(1e-3, -1) });
  await expect(rate.run({ steps: 24 })).rejects.toThrow('learningRate, progress 0.333: out of range; got -1');
  using share = await OffPolicyAgent.create({ ...o, explorationFraction: 1, exploration: turns(1, Number.NaN) });
  await expect(share.run({ steps: 24 })).rejects.toThrow('exploration, progress 0.333: out of range; got NaN');
});
