// What an evaluation depends on, on the real stage: it is made again when any of it changes, and only then.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './cli-process.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-evaluate-'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

test('evaluate runs anew for another count, length, seed, or byte of data or checkpoint; not for --out or --json', async () => {
  const small = ['--threads', '1', '--articles', '120', '--held-out', '8', '--preference-pairs', '0', '--no-distil'];
  const first = await runCli(
    ['align', ...small, '--size', 'tiny', '--pretrain-steps', '3', '--fine-tune-steps', '3', '--out', 'first'],
    cwd,
  );
  expect([first.code, first.stderr]).toEqual([0, expect.any(String)]);
  const rows = Array.from({ length: 24 }, (_, i) =>
    JSON.stringify({ prompt: `mayor bought ${i}`, completion: `${i} .` }),
  );
  const data = join(cwd, 'rows.jsonl');
  await writeFile(data, `${rows.join('\n')}\n`);
  const model = join(cwd, 'runs/first/model');
  const job = ['align', '--threads', '1', '--model', model, '--data', data, '--fine-tune-steps', '1', '--no-distil'];
  const isCached = async (...more: string[]): Promise<boolean> => {
    const { code, stdout, stderr } = await runCli([...job, ...more, '--json'], cwd);
    if (code !== 0) throw new Error(stderr);
    return (JSON.parse(stdout) as { stages: { evaluate: { cached: boolean } } }).stages.evaluate.cached;
  };
  /** Change one byte of a file, look, and put it back. */
  const withByte = async (file: string, at: (bytes: Buffer) => number): Promise<boolean> => {
    const before = await readFile(file);
    const changed = Buffer.from(before);
    changed[at(changed)] = (changed[at(changed)] as number) ^ 1;
    await writeFile(file, changed);
    const cached = await isCached();
    await writeFile(file, before);
    return cached;
  };

  expect(await isCached()).toBe(false);
  expect(await isCached()).toBe(true);
  expect(await isCached('--evaluate-rows', '1')).toBe(false);
  expect(await isCached('--evaluate-max-new-tokens', '1')).toBe(false);
  expect(await isCached('--evaluate-batch-size', '1')).toBe(false);
  expect(await isCached('--seed', '1')).toBe(false);
  expect(await withByte(data, (bytes) => bytes.indexOf('mayor'))).toBe(false);
  // the lowest bits of the last weight
  expect(await withByte(join(model, 'model.safetensors'), (bytes) => bytes.length - 4)).toBe(false);
  expect(await isCached('--out', 'elsewhere')).toBe(true);
  const shown = await runCli([...job, '--out', 'shown'], cwd);
  expect(shown.stderr).toMatch(/✓ evaluate +cached/);
}, 180_000);
