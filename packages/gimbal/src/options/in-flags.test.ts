import { ConfigError, DataError } from '@gimbal/tensor-core';
import { inFlags } from './in-flags.ts';

const flags = { 'makeEnv Ant-v5': '--env-options', makeEnv: '--env' };
const refused = (error: Error): Promise<unknown> =>
  inFlags('gimbal control view', flags, () => Promise.reject(error)).catch((e) => e);

test('what a library refuses is said with the flag that was typed', async () => {
  const error = new ConfigError({ where: 'makeEnv', what: 'no such environment', got: 'Ant', fix: 'Look' });
  expect(await refused(error)).toMatchObject({
    code: 'ERR_CONFIG',
    message: 'gimbal control view --env: no such environment; got "Ant". Look.',
    cause: error,
  });
  expect(await refused(new ConfigError({ where: 'makeEnv Ant-v5', what: 'no such option' }))).toMatchObject({
    message: 'gimbal control view --env-options: no such option',
  });
});

test('other errors come as they are, and results', async () => {
  for (const error of [
    new ConfigError({ where: 'makeEnvironment', what: 'bad' }),
    new DataError({ where: 'makeEnv', what: 'bad' }),
    new Error('fault'),
  ])
    expect(await refused(error)).toBe(error);
  expect(await inFlags('gimbal', flags, () => 3)).toBe(3);
});
