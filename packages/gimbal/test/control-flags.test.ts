// Flags of gimbal control train: which an algorithm has, and what option of an agent each is.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { a2c, dqn, type OnPolicyOptions, ppo, ppoKl, sppo, trpo } from '@gimbal/fma-pg';
import { offPolicyFlags, onPolicyFlags } from '../src/control/agent-options.ts';
import { settingsOf } from '../src/control/settings.ts';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-control-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a flag that the algorithm does not have is refused, before any work', async () => {
  const train = ['control', 'train', '--env', 'Pendulum-v1', '--out', join(folder, 'none')];
  const refused = async (...flags: string[]): Promise<string> => (await runMain([...train, ...flags], root)).stderr;
  expect(await refused('--algo', 'sac', '--rollout', '64')).toContain('--rollout: sac has no such option; got 64');
  expect(await refused('--algo', 'trpo', '--clip-epsilon', '0.3')).toContain('--clip-epsilon: trpo has no such option');
  for (const flag of ['--epochs', '--minibatches'])
    expect(await refused('--algo', 'trpo', flag, '3')).toContain(`${flag}: trpo has no such option; got 3`);
  expect(await refused('--algo', 'npg', '--target-kl', '.1')).toContain('--target-kl: npg has no such option');
  expect(await refused('--algo', 'npg', '--learning-rate', '1e-3')).toContain(
    '--learning-rate: npg has no such option',
  );
  expect(await refused('--algo', 'mdpo', '--value-coef', '1')).toContain(
    '--value-coef: mdpo has no such option; got 1',
  );
  expect(await refused('--algo', 'td3', '--recurrent', 'gru')).toContain('--recurrent: td3 has no such option');
  expect(await refused('--algo', 'ppo', '--her', 'final')).toContain('--her: ppo has no such option; got "final"');
  expect(await refused('--algo', 'ppo', '--no-pessimistic')).toContain('--pessimistic: ppo has no such option');
  expect(await refused('--algo', 'td3', '--temperature', '1')).toContain('--temperature: td3 has no such option');
  expect(await refused('--algo', 'ppo', '--tau', '.1')).toContain('--tau: ppo has no such option');
  expect(await refused('--algo', 'sac', '--max-grad-norm', '1')).toContain('--max-grad-norm: sac has no such option');
  expect(await refused('--algo', 'dqn', '--priority-alpha', '.1')).toContain('rows are drawn uniformly; got 0.1');
  expect(await refused('--algo', 'sac', '--her-fraction', '.5')).toContain('nothing is relabelled; got 0.5');
  expect(await refused('--algo', 'ppo', '--normalize', 'obs,none')).toContain('none stands alone; got "obs,none"');
  expect(await refused('--algo', 'sac', '--her', 'future')).toContain('the environment has no goals');
}, 60_000);

test('parts of options are flags, and refused where there is nothing they are part of', () => {
  const flags = { env: 'x', seed: 0 };
  const region = { cgIterations: 5, damping: 0.2, shrink: 0.5, backtracks: 3 };
  const trained = onPolicyFlags({ ...flags, algo: 'trpo', ...region, criticBatchSize: 32 }, trpo());
  expect(trained.trustRegion).toEqual({ delta: 0.01, ...region });
  expect(trained.critic).toEqual({ epochs: 10, batchSize: 32, learningRate: 1e-3 });
  const memory = { recurrent: 'gru', memorySize: 16, memorySequence: 8 } as const;
  const rate = { adaptiveRate: 0.01, minLearningRate: 1e-4, maxLearningRate: 1e-3 };
  expect(onPolicyFlags({ ...flags, algo: 'ppo', ...memory, ...rate, finalEntropyCoef: 0 }, {})).toEqual({
    recurrent: { cell: 'gru', size: 16, sequence: 8 },
    adaptiveRate: { kl: 0.01, min: 1e-4, max: 1e-3 },
    entropyCoef: { from: 0, to: 0 },
  });
  expect(onPolicyFlags({ ...flags, algo: 'ppo-kl', klPenalty: 2 }, ppoKl()).adaptiveKl).toEqual({
    ...{ target: 0.01, initial: 2 },
  });
  const weighed = onPolicyFlags({ ...flags, algo: 'ppo', surrogate: 'mpo', weightTemperature: 2 }, ppo()).surrogate;
  expect([weighed?.surrogate, weighed?.options]).toEqual(['mpo', { temperature: 2 }]);
  expect(offPolicyFlags({ ...flags, algo: 'dqn', initialExploration: 0.5, logEvery: 10 }, {})).toEqual({
    ...{ exploration: { from: 0.5, to: 0.05 }, logEvery: 10, buffer: {} },
  });
  for (const [more, text] of [
    [{ memorySize: 8 }, '--memory-size: there is no memory; got 8. Add --recurrent gru'],
    [{ minLearningRate: 1e-4 }, '--min-learning-rate: the learning rate is not adapted'],
    [{ criticBatchSize: 8 }, '--critic-batch-size: the value function has no passes of its own'],
    [{ weightTemperature: 1 }, '--weight-temperature: nothing is weighed'],
    [{ surrogate: 'ratio', clipEpsilon: 0.1 }, '--clip-epsilon: the surrogate ratio has none'],
  ] as const)
    expect(() => onPolicyFlags({ ...flags, algo: 'ppo', ...more }, {})).toThrow(text);
});

test('an optimiser by name keeps what the preset says of it', () => {
  const flags = { env: 'x', seed: 0 };
  expect(onPolicyFlags({ ...flags, algo: 'a2c', optimizer: 'rmsprop' }, a2c())).toEqual({});
  expect(onPolicyFlags({ ...flags, algo: 'a2c', optimizer: 'adam' }, a2c())).toEqual({
    optimizer: { name: 'adam', epsilon: 1e-5 },
  });
  expect(onPolicyFlags({ ...flags, algo: 'ppo', optimizer: 'sgd' }, ppo())).toEqual({ optimizer: { name: 'sgd' } });
});

test('flags are options of the agent, parts of one included', () => {
  const flags = { env: 'x', seed: 0 };
  const rate = { learningRate: 1e-3, finalLearningRate: 0 };
  expect(onPolicyFlags({ ...flags, algo: 'ppo', ...rate, normalize: ['obs'], targetKl: 0.1 }, {})).toEqual({
    learningRate: { from: 1e-3, to: 0 },
    normalize: { obs: true, reward: false },
    targetKl: 0.1,
  });
  const { surrogate } = onPolicyFlags({ ...flags, algo: 'sppo', pessimistic: false, clipEpsilon: 0.3 }, sppo());
  expect(surrogate?.surrogate).toBe('sppo');
  expect(surrogate?.options).toEqual({ clipEpsilon: 0.3, pessimistic: false });
  const replay = { capacity: 1000, nStep: 3, prioritized: true, her: 'final', herFraction: 0.5 } as const;
  expect(offPolicyFlags({ ...flags, algo: 'dqn', finalLearningRate: 1e-4, ...replay }, dqn())).toEqual({
    learningRate: { from: 2.3e-3, to: 1e-4 },
    buffer: { capacity: 1000, nStep: 3, prioritized: true, her: { strategy: 'final', fraction: 0.5 } },
  });
  expect(offPolicyFlags({ ...flags, algo: 'dqn', prioritized: false }, dqn())).toEqual({ buffer: dqn().buffer });
  expect(
    onPolicyFlags({ ...flags, algo: 'trpo', trustRegion: 0.02, criticEpochs: 5, normalizeAdvantage: 'none' }, {}),
  ).toEqual({ trustRegion: { delta: 0.02 }, critic: { batchSize: 64, epochs: 5 }, normalizeAdvantage: false });
  expect(onPolicyFlags({ ...flags, algo: 'ppo-kl', adaptiveKl: 0.02, adaptiveRate: 0.01 }, {})).toEqual({
    adaptiveKl: { target: 0.02 },
    adaptiveRate: { kl: 0.01 },
  });
  const clip = onPolicyFlags({ ...flags, algo: 'ppo', clipEpsilonHigh: 0.3, returns: 'vtrace' }, ppo());
  expect(clip.surrogate?.options).toEqual({ clipEpsilon: { low: 0.2, high: 0.3 } });
  expect(clip.returns).toBe('vtrace');
  // a clip that falls over the run still falls below
  const cartPole = settingsOf('ppo', 'CartPole-v1').options as Partial<OnPolicyOptions>;
  const falling = onPolicyFlags({ ...flags, algo: 'ppo', clipEpsilonHigh: 0.3 }, cartPole);
  expect(falling.surrogate?.options).toEqual({ clipEpsilon: { low: { from: 0.2, to: 0 }, high: 0.3 } });
  const both = onPolicyFlags({ ...flags, algo: 'ppo', clipEpsilon: 0.1, clipEpsilonHigh: 0.3 }, cartPole);
  expect(both.surrogate?.options).toEqual({ clipEpsilon: { low: 0.1, high: 0.3 } });
  // the other end is the preset's too
  expect(offPolicyFlags({ ...flags, algo: 'dqn', initialExploration: 0.5 }, dqn()).exploration).toEqual({
    ...{ from: 0.5, to: 0.04 },
  });
  const drawn = { prioritized: true, priorityBeta: 0.5, finalExploration: 0.1, double: false, targetEvery: 10 };
  expect(offPolicyFlags({ ...flags, algo: 'dqn', ...drawn }, {})).toEqual({
    buffer: { prioritized: { beta: 0.5 } },
    exploration: { from: 1, to: 0.1 },
    double: false,
    targetEvery: 10,
  });
  expect(offPolicyFlags({ ...flags, algo: 'sac', temperature: 0.2, learnAlpha: false, tau: 0.01 }, {})).toEqual({
    ...{ alpha: 0.2, learnAlpha: false, tau: 0.01, buffer: {} },
  });
});
