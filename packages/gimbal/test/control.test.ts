import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRecording } from '@gimbal/control-envs';
import { settingsOf } from '../src/control/settings.ts';
import { runCli, startCli } from './cli-process.ts';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-control-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('train, show and evaluate what was saved', async () => {
  const run = join(folder, 'x');
  const train = ['control', 'train', '--env', 'CartPole-v1', '--steps', '1536', '--eval-every', '512', '--seed', '1'];
  const { code, stdout, stderr } = await runMain(
    [...train, '--out', run, '--json', '--backend', 'cpu', '--episodes', '4'],
    root,
  );
  expect(code).toBe(0);
  // the settings of this environment, a line of them at the start
  expect(stderr).toContain(
    'ppo on CartPole-v1: 1536 steps, seed 1, 8 copies, rollouts of 32 steps, 20 passes of 1 minibatch each, learning rate 0.001 → 0, γ 0.98',
  );
  const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8')) as { again: string };
  expect(config.again).toMatch(
    /^npx gimbal control train --env CartPole-v1 .*--eval-every 512 .*--episodes 4 .*--steps 1536 .*--seed 1 --backend cpu/,
  );
  const made = (await readFile(join(run, 'report.html'), 'utf8')).split('How it was made')[1] as string;
  expect(made).toContain(`<pre>${config.again}</pre>`);
  expect(made).toContain('<details><summary>ppo on CartPole-v1</summary>');
  expect(made).toContain('<dt>gaeLambda</dt><dd>0.8</dd>');
  expect(made).toContain('<dt>--eval-every</dt><dd>512</dd>');
  expect(await readdir(run)).not.toContain('.lock');
  const trained = JSON.parse(stdout) as { step: number; mean: number; ci95: number[]; returns: number[] };
  expect([trained.step, trained.returns.length]).toEqual([1536, 4]);
  expect(trained.ci95[0]).toBeLessThanOrEqual(trained.mean);
  const rows = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: number });
  expect(rows.map((r) => r.step)).toEqual([256, 512, 768, 1024, 1280, 1536]);
  expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('ppo on CartPole-v1');
  // what the algorithm and the environment chose where no flag did, and nothing that is of other algorithms
  const settings = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8')) as { [name: string]: unknown };
  const clip = { name: 'ppoClip', clipEpsilon: { from: 0.2, to: 0 } };
  expect(settings).toMatchObject({ algorithm: 'ppo', numEnvs: 8, valueCoef: 1, surrogate: clip, seed: 1 });
  for (const name of ['env', 'trustRegion', 'valueClip']) expect(settings).not.toHaveProperty(name);
  // the example of the help: the trained agent in a page, and as a film
  const [page, film] = [join(folder, 'x.html'), join(folder, 'x.gif')];
  expect((await runMain(['control', 'view', run, '--steps', '5', '--out', page, '--backend', 'cpu'], root)).code).toBe(
    0,
  );
  expect(await readFile(page, 'utf8')).toContain('CartPole-v1');
  const small = ['--steps', '5', '--size', '32', '--backend', 'cpu'];
  expect((await runMain(['control', 'record', run, '--out', film, ...small], root)).code).toBe(0);
  expect((await readFile(film, 'latin1')).slice(0, 6)).toBe('GIF89a');
  const evaluated = await runMain(
    ['control', 'eval', run, '--episodes', '4', '--seed', '1', '--json', '--backend', 'cpu'],
    root,
  );
  // the latest checkpoint, the same seed: the returns that training ended with
  expect((JSON.parse(evaluated.stdout) as { returns: number[] }).returns).toEqual(trained.returns);
}, 60_000);

test('what was stopped goes on to the same numbers; a killed run without a checkpoint begins anew', async () => {
  const train = (...argv: string[]) => runMain(['control', 'train', '--json', '--backend', 'cpu', ...argv], root);
  // a rate that does not end where a run does: one of 512 steps is then the beginning of one of 768
  const given = ['--env', 'CartPole-v1', '--algo', 'a2c', '--num-envs', '4', '--rollout', '32'];
  const often = ['--eval-every', '256', '--eval-episodes', '1', '--checkpoint-every', '256'];
  const more = ['--learning-rate', '1e-3', '--seed', '2', '--episodes', '2', ...often];
  const [whole, stopped] = [join(folder, 'whole'), join(folder, 'stopped')];
  const all = JSON.parse((await train(...given, ...more, '--steps', '768', '--out', whole)).stdout) as {
    returns: number[];
  };
  await train(...given, ...more, '--steps', '512', '--out', stopped);
  const config = async () =>
    JSON.parse(await readFile(join(stopped, 'config.json'), 'utf8')) as { trainedSeconds: number };
  const resume = async (...more: string[]): Promise<{ seconds: number; note: string }> => {
    const argv = ['control', 'train', '--out', stopped, '--resume', '--json', ...more];
    const { code, stdout, stderr } = await runMain(argv, root);
    if (code !== 0) throw new Error(stderr);
    return { ...(JSON.parse(stdout) as { seconds: number }), note: stderr };
  };
  // it had ended: more steps train it on, and the time is that of both parts
  const first = (await config()).trainedSeconds;
  const longer = await resume('--steps', '768');
  expect(longer).toMatchObject({ step: 768, returns: all.returns });
  expect(longer.note).toContain('is trained on, to 768 steps in all');
  const page = await readFile(join(stopped, 'report.html'), 'utf8');
  expect(page).toMatch(/It began as:.*--steps 512 .*then continued with:.*--resume --out \S+ --steps 768/s);
  expect(longer.seconds).toBeGreaterThan(first);
  expect((await resume()).note).toContain('were done already');
  const log = (run: string): Promise<string> => readFile(join(run, 'metrics.jsonl'), 'utf8');
  expect((await log(stopped)).split('\n').length).toBe((await log(whole)).split('\n').length);
  // evaluated as often as before it was stopped
  const evaluations = async (run: string): Promise<number> => (await log(run)).split('"evalReturn"').length - 1;
  expect([await evaluations(stopped), await evaluations(whole)]).toEqual([3, 3]);
  await rm(join(stopped, 'checkpoints'), { recursive: true });
  expect(await resume()).toMatchObject({ step: 768, returns: all.returns });
  expect((await log(stopped)).split('\n').length).toBe((await log(whole)).split('\n').length);
  const { code, stderr } = await runMain(['control', 'eval', whole, '--resume'], root);
  expect([code, stderr]).toEqual([2, expect.stringContaining('only training is gone on with')]);
}, 60_000);

test('a process of its own plays a normalised agent as the one that trained it, to the bit', async () => {
  const run = join(folder, 'normalised');
  const given = ['--env', 'Pendulum-v1', '--normalize', 'obs,reward', '--num-envs', '2', '--rollout', '64'];
  const short = ['--minibatches', '2', '--epochs', '2', '--steps', '512', '--episodes', '3', '--seed', '1'];
  const cpu = ['--json', '--backend', 'cpu'];
  const trained = await runMain(['control', 'train', ...given, ...short, '--out', run, ...cpu], root);
  expect([trained.code, trained.stderr]).toEqual([0, expect.any(String)]);
  const { returns } = JSON.parse(trained.stdout) as { returns: number[] };
  const played = await runCli(['control', 'eval', run, '--episodes', '3', '--seed', '1', ...cpu], folder);
  expect([played.code, played.stderr]).toEqual([0, '']);
  expect((JSON.parse(played.stdout) as { returns: number[] }).returns).toEqual(returns);
}, 60_000);

test('options of the environment hold in training, and in the evaluation of its run', async () => {
  const run = join(folder, 'short');
  const given = ['--env', 'CartPole-v1', '--env-options', 'maxSteps=5', '--steps', '256', '--episodes', '2'];
  const trained = await runMain(['control', 'train', ...given, '--out', run, '--json', '--backend', 'cpu'], root);
  expect(JSON.parse(trained.stdout)).toMatchObject({ returns: [5, 5] });
  const evaluate = ['control', 'eval', run, '--episodes', '2', '--json', '--backend', 'cpu'];
  expect(JSON.parse((await runMain(evaluate, root)).stdout)).toMatchObject({ returns: [5, 5] });
}, 60_000);

test('a trained agent is shown and recorded: it acts as it does in evaluation', async () => {
  const run = join(folder, 'pendulum');
  const cpu = ['--json', '--backend', 'cpu'];
  const train = ['control', 'train', '--env', 'InvertedPendulum-v5', '--steps', '256', '--rollout', '128'];
  const trained = await runMain([...train, '--minibatches', '2', '--epochs', '1', '--out', run, ...cpu], root);
  expect([trained.code, trained.stderr]).toEqual([0, expect.any(String)]);
  const film = join(folder, 'film.json');
  const recorded = await runMain(['control', 'record', run, '--steps', '30', '--out', film, ...cpu], root);
  expect([recorded.code, recorded.stderr]).toEqual([0, expect.stringContaining('InvertedPendulum-v5')]);
  const again = await runMain(
    [
      'control',
      'record',
      '--env',
      'InvertedPendulum-v5',
      '--policy',
      run,
      '--steps',
      '30',
      '--out',
      `${film}2.json`,
      ...cpu,
    ],
    root,
  );
  expect(again.code).toBe(0);
  const actionsOf = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8')).actions;
  expect(await actionsOf(film)).toEqual(await actionsOf(`${film}2.json`));
  const page = join(folder, 'film.html');
  expect((await runMain(['control', 'view', run, '--steps', '10', '--out', page, ...cpu], root)).code).toBe(0);
  expect(await readFile(page, 'utf8')).toContain('InvertedPendulum-v5');
  const none = await runMain(['control', 'view', folder, '--out', page, ...cpu], root);
  expect(none.stderr).toContain('holds no run of gimbal control');
}, 60_000);

test('wrong words are refused with the nearest right one', async () => {
  expect((await runMain(['control', 'trian', '--env', 'CartPole-v1'], root)).stderr).toContain('Did you mean train?');
  const algo = await runMain(
    ['control', 'train', '--env', 'CartPole-v1', '--algo', 'pppo', '--out', join(folder, 'y'), '--backend', 'cpu'],
    root,
  );
  expect([algo.code, algo.stderr]).toEqual([2, expect.stringContaining('Did you mean ppo?')]);
  expect((await runMain(['control', 'train', '--backend', 'cpu'], root)).stderr).toContain('which environment?');
  expect((await runMain(['control', 'eval', folder, '--backend', 'cpu'], root)).stderr).toContain(
    'holds no run of gimbal control',
  );
  expect(() => settingsOf('saq', 'Pendulum-v1')).toThrow('Did you mean sac?');
});

test('envs lists every environment; record and view write what their names say', async () => {
  const listed = JSON.parse((await runMain(['control', 'envs', '--json'], root)).stdout) as { envs: { id: string }[] };
  expect(listed.envs.map(({ id }) => id)).toEqual(expect.arrayContaining(['Ant-v5', 'AntChase-v0', 'AntSumo-v0']));
  expect((await runMain(['control', 'envs'], root)).stdout).toMatch(/^AntRun-v0 +run on any number of legs$/m);

  const json = join(folder, 'five.json');
  const record = ['control', 'record', '--env', 'AntRun-v0', '--env-options', 'legs=5', '--steps', '6', '--seed', '2'];
  const first = await runMain([...record, '--out', json, '--json'], root);
  expect([first.code, JSON.parse(first.stdout)]).toEqual([
    0,
    expect.objectContaining({ env: 'AntRun-v0', seed: 2, frames: 7, file: json }),
  ]);
  const recording = JSON.parse(await readFile(json, 'utf8')) as { geoms: unknown[]; actions: number[][] };
  expect([recording.actions.length, recording.actions[0]?.length]).toEqual([6, 10]);
  // recorded actions again, as pictures
  const small = ['--size', '32', '--policy', json];
  for (const [name, head] of [
    ['five.gif', 'GIF89a'],
    ['five.apng', '\u0089PNG'],
  ] as const) {
    const out = join(folder, name);
    expect((await runMain([...record, ...small, '--out', out], root)).code).toBe(0);
    expect((await readFile(out, 'latin1')).slice(0, head.length)).toBe(head);
  }
  expect((await runMain([...record, ...small, '--out', join(folder, 'frames')], root)).code).toBe(0);
  expect(await readdir(join(folder, 'frames'))).toHaveLength(7);
  const page = join(folder, 'five.html');
  expect((await runMain(['control', 'view', json, '--out', page], root)).code).toBe(0);
  expect(await readFile(page, 'utf8')).toMatch(/^<!doctype html>[\s\S]*"format":"gimbal-recording"/);
}, 60_000);

test('a table is solved exactly; its return never falls at a small step', async () => {
  const run = join(folder, 'cliff');
  const closed = ['control', 'train', '--env', 'CliffWorld', '--algo', 'smdpo', '--inner', 'closed-form'];
  const short = ['--eta', '0.0625', '--steps', '200'];
  const { code, stdout } = await runMain([...closed, ...short, '--out', run, '--json'], root);
  expect(code).toBe(0);
  const found = JSON.parse(stdout) as { return: number; best: number; returns: number[]; smallestChange: number };
  // claim C1: J after 200 updates, and that of the uniform policy before them
  expect(found.returns).toHaveLength(201);
  expect(found.returns[0]).toBeCloseTo(-112.12147317646847, 9);
  expect(found.return).toBeCloseTo(0.3288, 4);
  expect(found.smallestChange).toBeGreaterThan(-1e-10);
  // the way around the chasm, .9⁶; the example of the help gets there
  expect(found.best).toBeCloseTo(0.9 ** 6, 12);
  const told = await runMain([...closed, ...short, '--out', join(folder, 'cliff-told')], root);
  expect(told.stdout).toContain('0.329 of at best 0.531. The return never fell. It ended 0.203 short');
  expect(told.stdout).toContain('still rising: more --steps');
  expect(told.stderr).toContain('smdpo on CliffWorld: 200 outer steps, closed-form (floor 1e-8), η 0.0625, γ 0.9');
  const page = await readFile(join(folder, 'cliff-told', 'report.html'), 'utf8');
  expect(page).toContain('npx gimbal control train --env CliffWorld --algo smdpo --eta 0.0625 --inner closed-form');
  // the floor decides which optimum a large η reaches: it is shown
  expect(page).toContain('<dt>inner</dt><dd>kind closed-form, floor 1e-8</dd>');
  expect(page).toContain('<dt>states</dt><dd>21</dd>');
  const settings = JSON.parse(await readFile(join(folder, 'cliff-told', 'settings.json'), 'utf8')) as object;
  expect(settings).toMatchObject({
    method: 'smdpo',
    inner: { kind: 'closed-form', floor: 1e-8 },
    eta: 0.0625,
    gamma: 0.9,
  });
  const example = ['--steps', '500', '--out', join(folder, 'cliff-example')];
  expect((await runMain([...closed, ...example], root)).stdout).toMatch(/0\.531 of at best 0\.531\. .* never fell\.\n/);
  const { policy, S, A } = JSON.parse(await readFile(join(run, 'policy.json'), 'utf8')) as {
    policy: number[];
    S: number;
    A: number;
  };
  expect([S, A, policy.length]).toEqual([21, 4, 84]);
  for (let s = 0; s < S; s++) expect(policy.slice(4 * s, 4 * s + 4).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('The return never fell.');
  const sea = ['control', 'train', '--env', 'DeepSeaTreasure', '--env-options', 'size=4', '--steps', '20', '--json'];
  const ppo = await runMain([...sea, '--algo', 'ppo', '--inner-steps', '10', '--out', join(folder, 'sea')], root);
  expect(ppo.code).toBe(0);
  const { returns } = JSON.parse(ppo.stdout) as { returns: number[] };
  expect(returns.at(-1)).toBeGreaterThan(returns[0] as number);
  const refused: [string[], string][] = [
    [[...closed, '--rollout', '8'], 'A table has no use for it'],
    [[...closed, '--gamma', '.5'], 'γ is the task’s own, 0.9'],
    [
      [...closed.slice(0, 4), '--inner', 'closed-form'],
      '--inner: ppo has no closed form; got "closed-form". Use --inner',
    ],
    [[...closed.slice(0, 4), '--algo', 'npg', '--inner', 'constrained'], '--inner: npg has no divergence to constrain'],
    [[...closed.slice(0, 4), '--algo', 'trpo', '--delta', '.1', '--eta', '1'], '--delta bounds the step'],
    [[...closed, '--alpha', '2'], 'It is not of --inner closed-form'],
    [['control', 'train', '--env', 'CliffWorld', '--algo', 'ppo', '--eta', '1'], '--eta: ppo does not use it'],
    [[...closed, '--clip-epsilon', '.2'], '--clip-epsilon: smdpo does not use it'],
    [['control', 'train', '--env', 'CliffWorld', '--algo', 'sac'], 'sac'],
    [['control', 'train', '--env', 'CartPole-v1', '--inner', 'fixed'], 'or name a table: CliffWorld, DeepSeaTreasure'],
    [['control', 'train', '--env', 'CliffWorld', '--env-options', 'size=3'], 'no option of CliffWorld'],
    [['control', 'eval', run], 'there is no episode to play'],
    [['control', 'train', '--resume', '--out', run], 'a table is not gone on with'],
  ];
  for (const [argv, message] of refused) {
    const out = argv.includes('eval') || argv.includes('--resume') ? [] : ['--out', join(folder, 'refused-table')];
    const result = await runMain([...argv, ...out], root);
    expect([argv, result.code, result.stderr]).toEqual([argv, 2, expect.stringContaining(message)]);
  }
  // a refused number of steps is not left in its run
  const config = await readFile(join(run, 'config.json'), 'utf8');
  const longer = await runMain(['control', 'train', '--resume', '--out', run, '--steps', '3000'], root);
  expect([longer.code, longer.stderr]).toEqual([2, expect.stringContaining('a table is not gone on with')]);
  expect(longer.stderr).not.toContain('train on');
  expect(await readFile(join(run, 'config.json'), 'utf8')).toBe(config);
  expect((await runMain(['control', 'envs'], root)).stdout).toMatch(/^CliffWorld +a table, solved exactly/m);
}, 60_000);

test('a refused run leaves no folder', async () => {
  const out = join(folder, 'refused');
  const refused: string[][] = [
    ['control', 'train', '--env', 'CartPole-v1', '--algo', 'pppo'],
    ['control', 'train', '--env', 'CartPol-v1'],
    ['control', 'train', '--env', 'CartPole-v1', '--env-options', 'x=1'],
    ['control', 'train', '--env', 'CartPole-v1', '--backend', 'none'],
    ['reproduce', 'fma-pg', '--claim', 'C9', '--backend', 'none'],
  ];
  for (const argv of refused) {
    const { code } = await runMain([...argv, '--out', out], root);
    expect([argv, code]).toEqual([argv, 2]);
    expect(await readdir(out).catch((error: { code: string }) => error.code)).toBe('ENOENT');
  }
}, 60_000);

test('record and view refuse what they cannot do, before any work', async () => {
  const bad: [string[], string][] = [
    [['record', '--env', 'AntRn-v0'], 'Did you mean AntRun-v0?'],
    [['record', '--env', 'Ant-v5', '--out', join(folder, 'x.mp4')], 'no such kind of file'],
    [['record'], 'no --env'],
    [['record', join(folder, 'run'), '--out', join(folder, 'x.gif')], 'no such run'],
    [['record', '--env', 'CliffWorld'], 'CliffWalking-v1'],
    [['view', '--env', 'DeepSeaTreasure'], 'a table has no episode to watch'],
    [['view'], 'nothing to show'],
    [['view', join(folder, 'none.json')], 'no such file or folder'],
    // a folder of pictures that is there: `x.png` is written to `x`
    [['record', '--env', 'Ant-v5', '--out', folder], `it exists; got "${folder}"`],
    [['record', '--env', 'Ant-v5', '--out', `${folder}.png`], `it exists; got "${folder}"`],
    [['record', '--env', 'Ant-v5', '--out', join(folder, 'none', 'x.gif')], 'does not exist'],
    [
      ['record', '--env', 'Ant-v5', '--steps', '40000', '--out', join(folder, 'long.gif')],
      'too many pictures of 256 × 256 for one film; got 40001, wanted at most 32768',
    ],
    [
      ['train', '--env', 'CartPole-v1', '--env-options', 'steps=5', '--out', join(folder, 'e')],
      'It has maxSteps, sutton',
    ],
    [['record', '--env', 'AntRun-v0', '--env-options', 'leg=5', '--out', join(folder, 'l.json')], 'Did you mean legs?'],
  ];
  for (const [argv, message] of bad) {
    const { code, stderr } = await runMain(['control', ...argv], root);
    expect([argv, code === 0, stderr]).toEqual([argv, false, expect.stringContaining(message)]);
  }
});

test('Ctrl-C ends a recording at a step: what was recorded is written; a kill leaves nothing under the name', async () => {
  const record = (out: string): ReturnType<typeof startCli> =>
    startCli(
      ['control', 'record', '--env', 'HalfCheetah-v5', '--steps', '50000', '--size', '64', '--out', out],
      folder,
    );
  const begun = async (run: ReturnType<typeof startCli>): Promise<void> => {
    for (let i = 0; i < 600 && !run.stderr().includes('recording'); i++) await new Promise((ok) => setTimeout(ok, 50));
  };
  const stopped = record('stopped.json');
  await begun(stopped);
  stopped.child.kill('SIGINT');
  const { code, stderr } = await stopped.ended;
  expect([code, stderr]).toEqual([
    130,
    expect.stringMatching(/stopped after \d+ of 50000 steps, which are in stopped\.json/),
  ]);
  const recording = parseRecording(await readFile(join(folder, 'stopped.json'), 'utf8'));
  expect(recording.frames).toBeGreaterThan(1);
  expect(recording.frames).toBeLessThan(50_000);
  for (const name of ['killed.gif', 'killed']) {
    const killed = record(name);
    await begun(killed);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(await readdir(folder)).not.toContain(name);
  }
  // the next of that name clears away what the killed one has left
  const again = ['control', 'record', '--env', 'HalfCheetah-v5', '--steps', '2', '--size', '64', '--out'];
  expect(await startCli([...again, 'killed'], folder).ended).toMatchObject({ code: 0 });
  expect((await readdir(folder)).filter((name) => name.includes('killed'))).toEqual(['killed']);
}, 120_000);

test('reproduce fma-pg, a claim that takes no time', async () => {
  const out = join(folder, 'claims');
  const { code, stdout } = await runMain(
    ['reproduce', 'fma-pg', '--claim', 'C9', '--json', '--backend', 'cpu', '--out', out],
    root,
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ paper: 'fma-pg', claims: [{ id: 'C9', verdict: 'holds' }] });
});
