// What an agent has is freed however it ends: refused while it is made, or with an environment that cannot be closed.
import { useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import { OffPolicyAgent, type OffPolicyOptions, OnPolicyAgent, type OnPolicyOptions } from '../index.ts';

beforeAll(() => useBackend('auto'));

const continuous = () => new Track({ actions: 'continuous' });

test.each<[Partial<OffPolicyOptions>, string]>([
  [{ buffer: { nStep: 0 } }, 'buffer.nStep'],
  [{ buffer: { her: { fraction: 2 } } }, 'buffer.her.fraction'],
  [{ buffer: { her: { strategy: 'x' as never } } }, 'buffer.her.strategy'],
  [{ buffer: { her: {} } }, 'no goals'],
  [{ buffer: { prioritized: 'yes' as never } }, 'buffer.prioritized'],
  [{ buffer: { prioritized: { alpha: Number.NaN } } }, 'buffer.prioritized.alpha'],
  [{ learningRate: 0 }, 'learningRate: out of range; got 0, wanted more than 0 at the start'],
])('an off-policy agent that is refused leaves nothing behind: %#', async (options, message) => {
  const before = memory().numTensors;
  const made = OffPolicyAgent.create({ env: continuous, hidden: [8], seed: 1, ...options });
  await expect(made).rejects.toThrow(message);
  expect(memory().numTensors).toBe(before);
});

test.each<[unknown, string]>([
  [{ name: 'a' }, 'auxLosses: it is no list'],
  [[{ name: 'a', params: {} }], 'auxLosses[0]: there is no loss'],
  [[{ name: 'a', params: { w: 3 }, loss: () => 0 }], 'w'],
])('an on-policy agent that is refused leaves nothing behind: %#', async (auxLosses, message) => {
  const before = memory().numTensors;
  let closed = 0;
  class Closed extends Track {
    override close(): void {
      closed++;
    }
  }
  const options = { env: () => new Closed(), rollout: 16, hidden: [8], seed: 1 };
  await expect(OnPolicyAgent.create({ ...options, auxLosses } as OnPolicyOptions)).rejects.toThrow(message);
  await expect(OnPolicyAgent.create({ ...options, criticObs: ['x'] })).rejects.toThrow('criticObs');
  expect(closed).toBe(1); // the first was refused before it made one
  expect(memory().numTensors).toBe(before);
});

test('an environment that cannot be closed keeps nothing else', async () => {
  class Stuck extends Track {
    override close(): void {
      throw new Error('stuck');
    }
  }
  const before = memory().numTensors;
  const on = await OnPolicyAgent.create({ env: () => new Stuck(), rollout: 16, hidden: [8], seed: 1 });
  const off = await OffPolicyAgent.create({
    ...{ env: () => new Stuck({ actions: 'continuous' }), buffer: { capacity: 300 }, hidden: [8], seed: 1 },
  });
  expect(memory().numTensors).toBeGreaterThan(before);
  for (const agent of [on, off]) expect(() => agent.dispose()).toThrow('stuck');
  expect(memory().numTensors).toBe(before);
});
