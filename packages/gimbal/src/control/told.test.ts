import { readFileSync } from 'node:fs';
import { type OnPolicyOptions, offPolicyDefaults, onPolicyDefaults, trpo } from '@gimbal/fma-pg';
import { z } from 'zod';
import { settingOf, settingsInUse } from './run-settings.ts';
import { settingsOf } from './settings.ts';
import { makingSection, toldOf } from './told.ts';

test('the settings that matter, in a line', () => {
  const { options } = settingsOf('sac', 'Pendulum-v1');
  expect(toldOf(settingsInUse({ options: { ...offPolicyDefaults, ...options } } as never, 'sac'))).toBe(
    '1 copy, batches of 128 after 100 steps, learning rate 0.001, γ 0.99',
  );
  expect(toldOf(settingsInUse({ options: { ...onPolicyDefaults, ...trpo() } } as never, 'trpo'))).toBe(
    '1 copy, rollouts of 2048 steps, trust region 0.01, critic’s learning rate 0.001, γ 0.99',
  );
});

test.each([
  ['ppo', 'ppoClip (clipEpsilon 0.2)'],
  ['ppo-kl', 'ppoKl'],
  ['sppo', 'sppo (clipEpsilon 0.2, pessimistic true)'],
  ['smdpo', 'smdpo (eta 1, klEstimator analytic, negativeWeight clamp)'],
  ['spma', 'spma (eta 1)'],
  ['mdpo', 'mdpo (eta 1 → 0.001)'],
  ['a2c', 'reinforce'],
])('what decides the surrogate of %s is in the settings, defaults included', (algo, told) => {
  const { options } = settingsOf(algo, 'FrozenLake-v1');
  const settings = settingsInUse({ options: { ...onPolicyDefaults, ...options } } as never, algo);
  expect(toldOf(settings)).toMatch(new RegExp(`, γ 0.99, ${told.replaceAll(/[()]/g, '\\$&')}$`));
});

test('functions are no settings', () => {
  const warn = () => undefined;
  const settings = settingsInUse({ options: { ...onPolicyDefaults, warn, auxLosses: [] } } as never, 'ppo');
  for (const name of ['warn', 'auxLosses']) expect(settings).not.toHaveProperty(name);
});

test('what a flag is in the settings', () => {
  const { options } = settingsOf('ppo', 'CartPole-v1');
  const settings = settingsInUse({ options: { ...onPolicyDefaults, ...options } } as never, 'ppo');
  const found = ['clipEpsilon', 'rollout', 'finalLearningRate', 'memorySize'].map((flag) => settingOf(settings, flag));
  expect(found).toEqual([{ from: 0.2, to: 0 }, 32, 0, undefined]);
  expect(settingOf({ alpha: 0.2 }, 'temperature')).toBe(0.2);
});

test('a run that went on with other threads was not continued; one with more steps was', () => {
  const table = z.object({ steps: z.int().optional() });
  const told = (steps: number): string[] => {
    const making = { table, options: {}, settings: {}, of: 'ppo', resolved: { steps, threads: 2 } };
    const run = { path: 'runs/x', began: 'npx gimbal control train --steps 512 --threads 1', steps };
    const [commands] = makingSection(making, run).parts;
    return commands?.kind === 'commands' ? commands.items.map(({ text }) => text) : [];
  };
  expect(told(512)).toEqual(['Train it again:']);
  expect(told(1024)).toEqual(['It began as:', 'then continued with:']);
});

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const small = [...readme.matchAll(/^\| `(\w+-v\d)` \| (.*) \|$/gm)].map((row) => [row[1] as string, row[2] as string]);

test('the README has the small tasks', () => expect(small.length).toBe(8));

test.each(small)('the README’s settings of %s are those of PPO there', (env, row) => {
  const o = { ...onPolicyDefaults, ...settingsOf('ppo', env).options } as OnPolicyOptions;
  const rate = o.learningRate as number | { from: number; to: number };
  const normalised = Object.entries(o.normalize ?? {}).flatMap(([name, is]) => (is ? [name] : []));
  expect(row.split(' | ')).toEqual(
    [
      ...[
        `${o.numEnvs} × ${o.rollout}`,
        o.minibatches,
        o.epochs,
        typeof rate === 'number' ? rate : `${rate.from} → ${rate.to}`,
        o.gamma,
        o.gaeLambda,
      ],
      ...[normalised.join(', ') || '–', o.entropyCoef, o.valueCoef],
    ].map(String),
  );
});

test('the README’s settings of Pendulum-v1 are those of SAC there', () => {
  const { hidden, batchSize, learningRate, learningStarts } = settingsOf('sac', 'Pendulum-v1')
    .options as typeof offPolicyDefaults;
  const flags = `--hidden ${hidden} --batch-size ${batchSize} --learning-rate 1e-3 --learning-starts ${learningStarts}`;
  expect(readme).toContain(flags);
  expect(learningRate).toBe(1e-3);
});
