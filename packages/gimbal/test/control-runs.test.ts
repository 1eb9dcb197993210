// Runs of gimbal control that go nowhere, or are played or gone on with otherwise than they were trained.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeEnv } from '@gimbal/control-envs';
import { evaluate, OnPolicyAgent, type OnPolicyOptions } from '@gimbal/fma-pg';
import { useBackend } from '@gimbal/tensor-core';
import { settingsOf } from '../src/control/settings.ts';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-control-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('episodes that do not end are cut, and the run has its report', async () => {
  const run = join(folder, 'cliff');
  const short = ['--steps', '512', '--eval-every', '512', '--eval-episodes', '1', '--episodes', '2', '--seed', '1'];
  // the first policy, as good as unchanged: what it likes best leads into a wall
  const idle = ['--num-envs', '4', '--epochs', '1', '--learning-rate', '1e-6', '--out', run];
  const train = ['control', 'train', '--env', 'CliffWalking-v1', ...short, ...idle, '--json', '--backend', 'cpu'];
  const trained = await runMain(train, root);
  expect([trained.code, trained.stderr]).toEqual([0, expect.any(String)]);
  expect(JSON.parse(trained.stdout)).toMatchObject({ step: 512, truncated: 2, cut: 2, lengths: [10_000, 10_000] });
  const advice = 'CliffWalking-v1 has no time limit. To set one, train with --env-options maxSteps=200';
  expect(trained.stderr).toContain(`1 episode of an evaluation did not end and was cut: ${advice}`);
  const told = `2 of 2 episodes did not end and were cut after 10000 steps: ${advice}`;
  expect(trained.stderr).toContain(told);
  expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('ppo on CliffWalking-v1');
  const evaluated = await runMain(['control', 'eval', run, '--episodes', '2', '--backend', 'cpu'], root);
  expect([evaluated.code, evaluated.stderr]).toEqual([0, expect.stringContaining(told)]);
  const sooner = ['control', 'eval', run, '--episodes', '1', '--max-steps', '50', '--json', '--backend', 'cpu'];
  const cut = await runMain(sooner, root);
  expect(JSON.parse(cut.stdout)).toMatchObject({ lengths: [50], truncated: 1, cut: 1 });
  expect(cut.stderr).toContain('1 of 1 episode did not end and was cut after 50 steps (--max-steps)\n');
  expect(cut.stderr).not.toContain('time limit');
}, 60_000);

test.each([
  ['fewer steps than one rollout', '100', []],
  ['nothing would be learnt: all steps are before the first update', '500', ['--algo', 'dqn']],
])(
  'a run that is refused for %s leaves nothing in the way of the corrected command',
  async (what, steps, more) => {
    const run = join(folder, `few-${steps}`);
    const train = ['control', 'train', '--env', 'CartPole-v1', '--steps', steps, ...more, '--out', run];
    const refused = async () => runMain([...train, '--backend', 'cpu'], root);
    const { code, stderr } = await refused();
    expect([code, stderr]).toEqual([2, expect.stringContaining(`gimbal control train --steps: ${what}; got ${steps}`)]);
    expect(stderr).not.toContain('settings');
    expect(await readdir(folder)).not.toContain(`few-${steps}`);
    expect((await refused()).stderr).toBe(stderr);
  },
  60_000,
);

test('PPO crosses the cliff with the settings that it has by default', async () => {
  await useBackend('auto');
  const { options } = settingsOf('ppo', 'CliffWalking-v1');
  const env = () => makeEnv('CliffWalking-v1');
  using agent = await OnPolicyAgent.create({ ...(options as Partial<OnPolicyOptions>), env, seed: 0 });
  await agent.run({ steps: 100_000 });
  const { mean, truncated } = await evaluate(agent, { episodes: 2, maxSteps: 200, seed: 7 });
  // 13 steps are the shortest way, 17 the one that is farthest from the cliff
  expect([truncated, mean >= -17]).toEqual([0, true]);
}, 120_000);

test('another environment, and another option, are refused with what the run has', async () => {
  const run = join(folder, 'cart');
  const train = ['control', 'train', '--out', run, '--backend', 'cpu'];
  const given = ['--env', 'CartPole-v1', '--steps', '256', '--episodes', '1', '--keep-checkpoints', '2'];
  expect((await runMain([...train, ...given], root)).code).toBe(0);
  const other = await runMain(['control', 'eval', run, '--env', 'Pendulum-v1', '--backend', 'cpu'], root);
  expect([other.code, other.stderr]).toEqual([
    2,
    expect.stringContaining('cart was trained on CartPole-v1, which has other observations or actions'),
  ]);
  expect(other.stderr).toContain('Leave out --env');
  const resumed = await runMain([...train, '--resume', '--steps', '512', '--gamma', '0.5'], root);
  expect(resumed.code).toBe(2);
  expect(resumed.stderr).toMatch(/--gamma differs from the run in .*cart; got 0\.5, wanted 0\.98/);
  const clipped = await runMain([...train, '--resume', '--clip-epsilon', '0.1'], root);
  expect(clipped.stderr).toContain('got 0.1, wanted {"from":0.2,"to":0}');
  // threads are the machine's: they may change, and what that does is said
  const threads = await runMain([...train, '--resume', '--threads', '1'], root);
  expect([threads.code, threads.stderr]).toEqual([0, expect.stringContaining('cart began with --threads')]);
  const without = await runMain([...train, '--resume', '--max-grad-norm', '3'], root);
  expect(without.stderr).toMatch(/--max-grad-norm differs .* wanted 0\.5/);
  const often = await runMain([...train, '--resume', '--eval-every', '3'], root);
  expect(often.stderr).toMatch(/--eval-every differs .* wanted no --eval-every/);
  // the checkpoint has it: settings.json is for readers, and made again of what the agent goes on with
  const settings = join(run, 'settings.json');
  const was = JSON.parse(await readFile(settings, 'utf8')) as object;
  await writeFile(settings, JSON.stringify({ ...was, gamma: 0.1 }));
  const edited = await runMain([...train, '--resume', '--gamma', '0.5'], root);
  expect(edited.stderr).toMatch(/got 0\.5, wanted 0\.98/);
  await rm(settings);
  expect((await runMain([...train, '--resume'], root)).code).toBe(0);
  expect(JSON.parse(await readFile(settings, 'utf8'))).toEqual(was);
}, 60_000);

test('a run whose config.json says other numbers than its checkpoint is refused', async () => {
  const run = join(folder, 'changed');
  const train = ['control', 'train', '--out', run, '--backend', 'cpu'];
  const given = ['--env', 'CartPole-v1', '--algo', 'sppo', '--steps', '256', '--episodes', '1'];
  const numbers = ['--gamma', '0.9', '--clip-epsilon', '0.3', '--epochs', '2', '--eval-every', '256'];
  expect((await runMain([...train, ...given, ...numbers], root)).code).toBe(0);
  expect((await runMain([...train, '--resume'], root)).code).toBe(0);
  const config = join(run, 'config.json');
  const saved = JSON.parse(await readFile(config, 'utf8')) as { options: object };
  const say = (options: object) =>
    writeFile(config, JSON.stringify({ ...saved, options: { ...saved.options, ...options } }));
  for (const [name, flag, got, wanted] of [
    ['gamma', 'gamma', 0.5, 0.9],
    ['clipEpsilon', 'clip-epsilon', 0.1, 0.3],
  ] as const) {
    await say({ [name]: got });
    const { code, stderr } = await runMain([...train, '--resume'], root);
    const told = `${config}: --${flag} is another than its checkpoint was trained with; got ${got}, wanted ${wanted}`;
    expect([code, stderr]).toEqual([2, expect.stringContaining(told)]);
  }
  // how often it is looked at decides no number
  await say({ evalEvery: 128 });
  expect((await runMain([...train, '--resume'], root)).code).toBe(0);
}, 60_000);
