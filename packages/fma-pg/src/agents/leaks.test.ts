// A thousand updates leave as many tensors, and as many bytes of them, as there were before.
import { useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import { linear, OnPolicyAgent, type OnPolicyOptions, surrogates } from '../index.ts';

beforeAll(() => useBackend('auto'));

const tiny = { rollout: 4, epochs: 1, minibatches: 1, hidden: [2], seed: 1 } as const;

test.each<[string, Partial<OnPolicyOptions>, updates: number]>([
  ['steps that are replayed', {}, 1000],
  // captured anew in each update
  ['an annealed clip', { surrogate: surrogates.ppoClip({ clipEpsilon: linear(0.2, 0) }) }, 50],
  ['a target KL and a guard', { targetKl: 0.01, innerGuard: 'restore' }, 50],
])('%s', async (_, options, updates) => {
  using agent = await OnPolicyAgent.create({ env: () => new Track(), ...tiny, ...options });
  const held: { numTensors: number; numBytes: number }[] = [];
  for await (const _ of agent.train({ steps: 4 * (20 + updates) })) held.push(memory());
  // a guard that takes back frees a program, which is captured again: not every update holds as much, but none more
  for (const name of ['numTensors', 'numBytes'] as const) {
    const [early, late] = [held.slice(0, 20), held.slice(20)].map((part) => Math.max(...part.map((m) => m[name])));
    expect(late).toBe(early);
  }
});
