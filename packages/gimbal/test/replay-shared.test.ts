// A replay buffer that is fed from environments whose results are overwritten by the next step.
import { makeVectorEnv } from '@gimbal/control-envs';
import { OffPolicyAgent } from '@gimbal/fma-pg';
import { useBackend } from '@gimbal/tensor-core';

test('what is stored from shared memory is what is stored from copies; an observation differs from the next', async () => {
  await useBackend('cpu');
  const stored = async (buffers: 'copy' | 'shared', workers: number) => {
    const options = { maxSteps: 7 };
    const env = await makeVectorEnv('Pendulum-v1', { numEnvs: 2, buffers, workers, options });
    const agent = await OffPolicyAgent.create({
      algorithm: 'sac',
      env,
      seed: 3,
      trainEvery: 2,
      learningStarts: 60, // actions at random, learnt from once at the end
      batchSize: 16,
      hidden: [4],
      buffer: { capacity: 100 },
    });
    await agent.run({ steps: 60 });
    const { obs, actions, rewards, nextObs, discounts, size } = agent.buffer;
    const copy = [obs, actions, rewards, nextObs, discounts].map((values) => values.slice());
    agent.dispose();
    env.close();
    return { size, copy };
  };
  const wanted = await stored('copy', 0);
  expect(wanted.size).toBe(60);
  for (const workers of [0, 1]) expect(await stored('shared', workers)).toEqual(wanted);
  const [obs, , , nextObs] = wanted.copy as [Float32Array, Float32Array, Float32Array, Float32Array];
  let moved = 0;
  for (let at = 0; at < obs.length; at += 3) {
    if (obs[at] === 0 && obs[at + 1] === 0) continue; // not written
    if ([0, 1, 2].some((i) => obs[at + i] !== nextObs[at + i])) moved++;
  }
  expect(moved).toBe(60);
}, 60_000);
