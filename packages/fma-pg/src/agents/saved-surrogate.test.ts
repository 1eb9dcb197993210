import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { linear, OnPolicyAgent, type Surrogate, surrogates } from '../index.ts';
import { surrogateGoingOn } from './saved-surrogate.ts';

beforeAll(() => useBackend('auto'));

test('a run is not gone on with by another surrogate', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surrogate-'));
  try {
    const env = (): Track => new Track();
    const at = join(dir, 'saved');
    const clip = (): Surrogate => surrogates.ppoClip({ clipEpsilon: linear(0.2, 0.1) });
    using agent = await OnPolicyAgent.create({ env, rollout: 16, hidden: [8], seed: 1, surrogate: clip() });
    await agent.run({ steps: 16 });
    await agent.save(at);
    const resume = (surrogate?: Surrogate): Promise<OnPolicyAgent> =>
      OnPolicyAgent.resume(at, { env, ...(surrogate && { surrogate }) });
    for (const surrogate of [undefined, clip()]) {
      using again = await resume(surrogate);
      expect(again.options.surrogate.options).toEqual({ clipEpsilon: linear(0.2, 0.1) });
    }
    await expect(resume(surrogates.sppo())).rejects.toThrow('resume: surrogate differs; got "sppo", wanted "ppoClip"');
    await expect(resume(surrogates.ppoClip({ clipEpsilon: 0.9 }))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('surrogate.clipEpsilon differs; got 0.9, wanted {"from"'),
    });
    await expect(resume(surrogates.ppoClip())).rejects.toThrow('surrogate.clipEpsilon differs');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a schedule that was a function is wanted again; older checkpoints leave it out', () => {
  const eta = (progress: number): number => 1 - progress / 2;
  const given = surrogates.smdpo({ eta });
  const saved = { name: 'smdpo', options: { eta: 'function' } };
  expect(() => surrogateGoingOn(saved)).toThrow('resume, surrogate.eta: it was a function, which no checkpoint holds');
  expect(surrogateGoingOn(saved, given)).toBe(given);
  expect(surrogateGoingOn({ name: 'smdpo', options: {} }, given)).toBe(given);
  expect(() => surrogateGoingOn(saved, surrogates.smdpo({ eta: 0.5 }))).toThrow('surrogate.eta differs');
});
