// A machine without the native binary: `auto` falls to wasm, says why, and everything runs there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './cli-process.ts';

const cwd = mkdtempSync(join(tmpdir(), 'gimbal-no-native-'));
const before = process.env.GIMBAL_NATIVE;
beforeAll(() => {
  process.env.GIMBAL_NATIVE = 'off'; // inherited by the processes of this file
});
afterAll(() => {
  if (before === undefined) delete process.env.GIMBAL_NATIVE;
  else process.env.GIMBAL_NATIVE = before;
  rmSync(cwd, { recursive: true });
});

test('doctor says which backend is in use instead, why, and what to do', async () => {
  const { code, stdout } = await runCli(['doctor', '--json'], cwd);
  expect(code).toBe(0);
  const { backend, backends, advice } = JSON.parse(stdout);
  expect(backend).toMatchObject({ name: 'wasm' });
  expect(backends).toContainEqual(
    expect.objectContaining({
      name: 'native',
      works: false,
      detail: expect.stringContaining('GIMBAL_NATIVE=off'),
      fix: 'unset GIMBAL_NATIVE',
    }),
  );
  expect(advice[0]).toBe(
    'The native backend does not work: switched off by GIMBAL_NATIVE=off. What to do: unset GIMBAL_NATIVE.',
  );
});

test('the main job and generation run on wasm without being asked to', async () => {
  const tiny = [
    '--size',
    'tiny',
    '--articles',
    '200',
    '--held-out',
    '16',
    '--evaluate-rows',
    '16',
    '--no-distil',
    '--preference-pairs',
    '0',
  ];
  const steps = ['--pretrain-steps', '3', '--fine-tune-steps', '3'];
  const { code, stderr } = await runCli(['align', ...tiny, ...steps, '--out', 'a'], cwd);
  expect({ code, wasm: stderr.includes('wasm') }).toEqual({ code: 0, wasm: true });
  const prompt = ['--prompt', 'nurse hid coat .', '--max-new-tokens', '4', '--temperature', '0'];
  const written = await runCli(['generate', '--model', 'runs/a/model', ...prompt, '--json'], cwd);
  expect(written.code).toBe(0);
  expect(JSON.parse(written.stdout).completions[0].tokens).toBeGreaterThan(0);
}, 180_000);
