// What is said of episodes that were cut is true of their environment.
import { cutEpisodes, cutInTraining } from './cut-episodes.ts';

const cut = { cut: 5, lengths: [8, 8, 8, 8, 8] };

test('--max-steps cut them', async () => {
  const told = '5 of 5 episodes did not end and were cut after 8 steps (--max-steps)';
  expect(await cutEpisodes({ env: 'CartPole-v1' }, cut, 8)).toBe(told);
  expect(await cutEpisodes({ env: 'CliffWalking-v1' }, cut, 8)).toBe(told);
  expect(await cutEpisodes({ env: 'CartPole-v1' }, { ...cut, cut: 0 }, 8)).toBeUndefined();
});

test('an environment without a time limit is told of, one with a limit is not', async () => {
  const none = 'CliffWalking-v1 has no time limit. To set one, train with --env-options maxSteps=200';
  expect(await cutEpisodes({ env: 'CliffWalking-v1' }, cut)).toBe(
    `5 of 5 episodes did not end and were cut after 8 steps: ${none}`,
  );
  expect(await cutInTraining({ env: 'CliffWalking-v1' }, 1)).toBe(
    `1 episode of an evaluation did not end and was cut: ${none}`,
  );
  // no option sets it
  expect(await cutInTraining({ env: 'DeepSea-v0' }, 2)).toMatch(/were cut: DeepSea-v0 has no time limit$/);
  const limited = { env: 'CliffWalking-v1', envOptions: { maxSteps: '20000' } };
  expect(await cutEpisodes(limited, cut)).toMatch(/cut after 8 steps$/);
});
