import { readFileSync } from 'node:fs';
import { type OnPolicyOptions, offPolicyDefaults, onPolicyDefaults, trpo } from '@gimbal/fma-pg';
import { settingsInUse } from './run-settings.ts';
import { settingsOf } from './settings.ts';
import { toldOf } from './told.ts';

test('the settings that matter, in a line', () => {
  const { options } = settingsOf('sac', 'Pendulum-v1');
  expect(toldOf(settingsInUse({ options: { ...offPolicyDefaults, ...options } } as never, 'sac'))).toBe(
    '1 copy, batches of 128 after 100 steps, learning rate 0.001, γ 0.99',
  );
  expect(toldOf(settingsInUse({ options: { ...onPolicyDefaults, ...trpo() } } as never, 'trpo'))).toBe(
    '1 copy, rollouts of 2048 steps, trust region 0.01, critic’s learning rate 0.001, γ 0.99',
  );
});

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const small = [...readme.matchAll(/^\| `(\w+-v\d)` \| (.*) \|$/gm)].map((row) => [row[1] as string, row[2] as string]);

test('the README has the small tasks', () => expect(small.length).toBe(8));

test.each(small)('the README’s settings of %s are those of PPO there', (env, row) => {
  const o = { ...onPolicyDefaults, ...settingsOf('ppo', env).options } as OnPolicyOptions;
  const rate = o.learningRate as { from: number; to: number };
  const normalised = Object.entries(o.normalize ?? {}).flatMap(([name, is]) => (is ? [name] : []));
  expect(row.split(' | ')).toEqual(
    [
      ...[`${o.numEnvs} × ${o.rollout}`, o.minibatches, o.epochs, `${rate.from} → ${rate.to}`, o.gamma, o.gaeLambda],
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
