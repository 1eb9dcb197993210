// A function that acts while an environment is recorded or watched is told all that it was trained with.
import type { EnvStep } from '@gimbal/tensor-core';
import { makeEnv, recordEpisode } from '../index.ts';
import { liveSource } from '../viewer/live.ts';

test('random actions are those that are allowed, recorded and live', async () => {
  for (const way of ['recorded', 'live']) {
    using env = await makeEnv('CartPole-v1', { maxSteps: 5 });
    const masked = <T extends { info: object }>(result: T): T => ({ ...result, info: { actionMask: [0, 1] } });
    const { reset, step } = env;
    const actions: unknown[] = [];
    env.reset = (o) => masked(reset.call(env, o));
    env.step = (action): EnvStep => {
      actions.push(action);
      return masked(step.call(env, action));
    };
    if (way === 'recorded') recordEpisode(env, { steps: 20 });
    else liveSource(env).poses(20);
    expect(actions).toEqual(new Array(20).fill(1));
  }
});

test('it sees the observation, where an episode begins, and the info that came with it', async () => {
  for (const way of ['recorded', 'live']) {
    using env = await makeEnv('CartPole-v1', { maxSteps: 3 });
    let [seen, made] = [0, 0];
    const counted = <T extends { info: object }>(result: T): T => ({ ...result, info: { number: made++ } });
    const { reset, step } = env;
    env.reset = (o) => counted(reset.call(env, o));
    env.step = (action): EnvStep => counted(step.call(env, action));
    const infos: unknown[] = [];
    const policy = (obs: unknown, begins: boolean, info: { readonly [key: string]: unknown }): number => {
      infos.push([(obs as ArrayLike<number>).length, begins, info.number]);
      return seen++ % 2;
    };
    if (way === 'recorded') recordEpisode(env, { steps: 5, policy });
    else liveSource(env, { policy }).poses(5);
    // the step to the end of the first episode gave the third, the reset after it the fourth
    expect(infos).toEqual([
      [4, true, 0],
      [4, false, 1],
      [4, false, 2],
      [4, true, 4],
      [4, false, 5],
    ]);
  }
});
