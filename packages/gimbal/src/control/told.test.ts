import { offPolicyDefaults, onPolicyDefaults, trpo } from '@gimbal/fma-pg';
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
