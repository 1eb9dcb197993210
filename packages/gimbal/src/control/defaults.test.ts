// What the help of `gimbal control train` says of defaults is what the algorithms use.
import {
  type OffPolicyOptions,
  type OnPolicyAgent,
  type OnPolicyOptions,
  offPolicyDefaults,
  onPolicyDefaults,
} from '@gimbal/fma-pg';
import { useBackend } from '@gimbal/tensor-core';
import { createAgent } from './agent.ts';
import type { AgentFlags } from './agent-flags.ts';
import { settingsOf } from './settings.ts';
import { trainingOptions } from './training-options.ts';

const told = (flag: keyof typeof trainingOptions): string => trainingOptions[flag].description ?? '';
const on = (algo: string, env = 'HalfCheetah-v5') =>
  ({ ...onPolicyDefaults, ...settingsOf(algo, env).options }) as OnPolicyOptions & { [name: string]: unknown };
const off = (algo: string, env = 'HalfCheetah-v5') =>
  ({ ...offPolicyDefaults, ...settingsOf(algo, env).options }) as OffPolicyOptions & { [name: string]: unknown };

test.each([
  ['policyDelay', 'td3', (o: OffPolicyOptions) => o.policyDelay],
  ['explorationNoise', 'td3', (o: OffPolicyOptions) => o.explorationNoise],
  ['targetNoise', 'td3', (o: OffPolicyOptions) => o.targetNoise],
  ['targetNoiseClip', 'td3', (o: OffPolicyOptions) => o.targetNoiseClip],
  ['initialExploration', 'dqn', (o: OffPolicyOptions) => (o.exploration as { from: number }).from],
  ['finalExploration', 'dqn', (o: OffPolicyOptions) => (o.exploration as { to: number }).to],
  ['explorationFraction', 'dqn', (o: OffPolicyOptions) => o.explorationFraction],
  ['targetEvery', 'dqn', (o: OffPolicyOptions) => o.targetEvery],
  ['targetEvery', 'mdpo-off-policy', (o: OffPolicyOptions) => o.targetEvery],
  ['temperature', 'mdpo-off-policy', (o: OffPolicyOptions) => o.alpha],
  ['temperature', 'sac', (o: OffPolicyOptions) => o.alpha],
  ['proximal', 'mdpo-off-policy', (o: OffPolicyOptions) => o.proximal],
  ['logEvery', 'sac', (o: OffPolicyOptions) => o.logEvery],
  ['evalEpisodes', 'sac', (o: OffPolicyOptions) => o.evalEpisodes],
] as const)('--%s of %s', (flag, algo, of) => {
  for (const env of ['HalfCheetah-v5', 'Pendulum-v1', 'CartPole-v1'])
    expect([env, told(flag)]).toEqual([env, expect.stringContaining(`default ${of(off(algo, env))}`)]);
});

test.each([
  ['trustRegion', 'trpo', (o: OnPolicyOptions) => o.trustRegion?.delta],
  ['cgIterations', 'npg', (o: OnPolicyOptions) => o.trustRegion?.cgIterations],
  ['damping', 'trpo', (o: OnPolicyOptions) => o.trustRegion?.damping],
  ['shrink', 'trpo', (o: OnPolicyOptions) => o.trustRegion?.shrink],
  ['backtracks', 'trpo', (o: OnPolicyOptions) => o.trustRegion?.backtracks],
  ['adaptiveKl', 'ppo-kl', (o: OnPolicyOptions) => o.adaptiveKl?.target],
  ['activation', 'ppo', (o: OnPolicyOptions) => o.activation],
  ['initialLogStd', 'ppo', (o: OnPolicyOptions) => o.initialLogStd],
  ['returns', 'ppo', (o: OnPolicyOptions) => o.returns],
  ['innerGuard', 'ppo', (o: OnPolicyOptions) => o.innerGuard],
  ['evalEpisodes', 'ppo', (o: OnPolicyOptions) => o.evalEpisodes],
] as const)('--%s of %s', (flag, algo, of) => {
  expect(told(flag)).toContain(`default ${of(on(algo))}`);
});

test('where algorithms or environments differ, the help states no number', () => {
  for (const flag of ['learningRate', 'normalizeAdvantage', 'valueClip'] as const)
    expect(told(flag)).toMatch(/default: the algorithm’s own/);
  expect([on('ppo'), on('ppo', 'CartPole-v1')].map((o) => o.valueClip)).toEqual([0.2, undefined]);
  expect(['ppo', 'trpo', 'mdpo', 'a2c'].map((algo) => on(algo).normalizeAdvantage)).toEqual([
    'minibatch',
    'batch',
    'batch',
    false,
  ]);
});

test('values are clipped where CleanRL’s settings are used, not where the zoo’s are', () => {
  const clips = (env: string) => on('ppo', env).valueClip;
  const classic = ['MountainCar-v0', 'CliffWalkingSlippery-v1', 'FrozenLake-v1', 'FrozenLake8x8-v1', 'DeepSea-v0'];
  expect(classic.map(clips)).toEqual(classic.map(() => 0.2));
  expect(['CartPole-v1', 'Acrobot-v1', 'CliffWalking-v1'].map(clips)).toEqual([undefined, undefined, undefined]);
  // the zoo's Acrobot leaves the rate to Stable-Baselines3: constant
  expect(on('ppo', 'Acrobot-v1').learningRate).toBe(3e-4);
});

test('settings said to be Stable-Baselines3’s or the zoo’s weigh the value function’s error as they do', () => {
  // its .5 is of the whole squared error, ours of ½ of it; CleanRL's .5 is of ½
  const weights = { 'a2c HalfCheetah-v5': 1, 'ppo CartPole-v1': 1, 'ppo Acrobot-v1': 1, 'ppo MountainCar-v0': 0.5 };
  for (const [which, weight] of Object.entries(weights)) {
    const [algo = '', env] = which.split(' ');
    expect([which, on(algo, env).valueCoef]).toEqual([which, weight]);
  }
});

test.each([
  ['ppo', 'CartPole-v1'],
  ['a2c', 'Pendulum-v1'],
])('%s on %s may train its critic apart, which has no weight beside the policy', async (algo, env) => {
  await useBackend('auto');
  const flags = { algo, env, seed: 0, criticEpochs: 2 } as AgentFlags;
  using agent = (await createAgent(flags)) as OnPolicyAgent;
  expect(agent.options.critic?.epochs).toBe(2);
  await expect(createAgent({ ...flags, valueCoef: 1 })).rejects.toThrow('valueCoef');
});
