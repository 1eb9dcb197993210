// What each action of gimbal control reads: its help shows that, and the rest is refused.
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);

test.each([
  ['train', ['--max-steps', '9'], 'its evaluations go by the environment’s time limit'],
  ['train', ['--which', 'best'], 'training learns its own policy'],
  ['train', ['--stochastic'], 'training learns its own policy'],
  ['train', ['--policy', 'zero'], 'training learns its own policy'],
  ['train', ['--size', '64'], 'training learns its own policy'],
  ['eval', ['--gamma', '.9'], 'what it was trained with, and is only played here'],
  ['eval', ['--steps', '10'], 'what it was trained with, and is only played here'],
  ['record', ['--algo', 'sac'], 'what it was trained with, and is only watched here'],
  ['view', ['--episodes', '3'], 'what it was trained with, and is only watched here'],
  ['eval', ['--out', 'x'], 'it leaves no file'],
  ['envs', ['--env', 'Ant-v5'], 'it lists environments'],
])('gimbal control %s refuses %s', async (action, flag, why) => {
  const { code, stderr } = await runMain(['control', action, ...flag], root);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`gimbal control ${action} ${flag[0]}: `)]);
  expect(stderr).toContain(why);
});

test.each([
  ['train', ['--gamma', '--env', '--episodes', '--out', '--resume'], ['--policy', '--which', '--size']],
  ['eval', ['--which', '--stochastic', '--episodes', '--json'], ['--gamma', '--algo', '--steps', '--out', '--resume']],
  ['envs', ['--json'], ['--out', '--resume']],
  ['record', ['--out'], ['--resume']],
  ['view', ['--policy', '--size', '--steps'], ['--gamma', '--episodes']],
])('the help of gimbal control %s', async (action, has, hasNot) => {
  const { code, stdout } = await runMain(['control', action, '--help'], root);
  expect(code).toBe(0);
  expect(stdout).toContain(`gimbal control ${action} `);
  expect(stdout).not.toContain('With an action');
  const flags = stdout.match(/^ {2}--[a-z-]+/gm)?.map((flag) => flag.trim());
  expect(flags).toEqual(expect.arrayContaining(has));
  for (const flag of hasNot) expect(flags).not.toContain(flag);
});

test.each([
  ['record', 'default <environment>.json in the working directory', 'steps to show; episodes that end begin again'],
  ['view', 'default <run, recording or environment>.html', 'steps to show; episodes that end begin again'],
  ['train', 'default the next runs/control-N', 'environment steps in all (default 100000)'],
])('the help of gimbal control %s says where results go, and what its steps are', async (action, out, steps) => {
  const { stdout } = await runMain(['control', action, '--help'], root);
  const text = stdout.replaceAll(/\s+/g, ' ');
  for (const said of [out, steps]) expect(text).toContain(said);
  expect(stdout.match(/^ {2}--out/gm)).toHaveLength(1);
});
