// The workloads of gimbal bench, run once each: every row is a number, and on the native backend no kernel of these
// workloads falls to the host. (lm-train takes longer: tensor-core's tests count the host kernels of such a step.)
import { runSuite } from '../src/bench/run-suite.ts';
import type { BenchReport } from '../src/bench/table.ts';
import { startCompute } from '../src/run/compute.ts';
import { nativePackage } from '../src/run/native.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);

test.each([
  ['gemm', 15],
  ['lm-generate', 2],
  ['rl-update', 1],
  ['small-ops', 6],
  ['vec2text', 3],
])(
  '%s',
  async (suite, leastRows) => {
    const { code, stdout, stderr } = await runMain(['bench', suite, '--effort', '0', '--json'], source);
    if (code !== 0) throw new Error(stderr);
    const { machine, versions, rows } = JSON.parse(stdout) as BenchReport;
    expect(machine.backend === 'native').toBe((await nativePackage())?.isNativeAvailable() ?? false);
    expect(Object.keys(versions)).toContain('gimbal');
    expect(rows.length).toBeGreaterThanOrEqual(leastRows);
    for (const { name, ours, hostKernels } of rows) {
      expect(name).toMatch(new RegExp(`^${suite}: `));
      expect(ours).toBeGreaterThan(0);
      expect({ name, hostKernels }).toEqual({ name, hostKernels: 0 });
    }
  },
  60_000,
);

test('a suite that is stopped ends at its row', async () => {
  const { name: backend, threads, bf16 } = await startCompute({ backend: 'auto', threads: 1, trace: false });
  const stop = new AbortController();
  const names: string[] = [];
  const stopped = runSuite({
    root: source,
    name: 'gemm',
    options: { peer: false, effort: 0.05, seed: 0 },
    ...{ backend, threads, bf16, signal: stop.signal, note: () => {} },
    onRow({ name }) {
      names.push(name);
      stop.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: 'ERR_STOPPED', what: 'stopped after 1 row' });
  expect(names).toHaveLength(1);
}, 60_000);

test('open-models, one part of it; a file that was not named', async () => {
  const run = (...words: string[]) =>
    runMain(['bench', 'open-models', '--effort', '0', '--json', '--part', ...words], source);
  const { code, stdout, stderr } = await run('4-bit');
  if (code !== 0) throw new Error(stderr);
  const { rows } = JSON.parse(stdout) as BenchReport;
  expect(rows.map(({ name }) => name)).toEqual(['open-models: generate, batch 1, Q4_0 (peer: our own float32)']);
  expect(rows[0]?.ratio).toBeGreaterThan(0);
  expect(rows[0]?.hostKernels).toBe(0);
  expect((await run('file')).stderr).toMatch(/which file\? wanted --model FILE.gguf/);
}, 300_000);

test('physics, one part of it, and parts it has not', async () => {
  const part = 'InvertedPendulum-v5';
  const { code, stdout, stderr } = await runMain(
    ['bench', 'physics', '--part', part, '--effort', '0', '--json'],
    source,
  );
  if (code !== 0) throw new Error(stderr);
  const { rows } = JSON.parse(stdout) as BenchReport;
  expect(rows.map(({ name }) => name)).toEqual([
    `physics: ${part}, one core`,
    `physics: ${part}, physics in a step`,
    expect.stringMatching(/^physics: InvertedPendulum-v5, 16 copies on \d+ cores?$/),
  ]);
  for (const { ours } of rows) expect(ours).toBeGreaterThan(0);
  const refused = async (...words: string[]): Promise<string> => (await runMain(['bench', ...words], source)).stderr;
  expect(await refused('physics', '--part', 'Hoper-v5')).toMatch(/no part Hoper-v5.*Did you mean Hopper-v5/s);
  expect(await refused('gemm', '--part', 'Hopper-v5')).toMatch(/gemm is measured whole/);
  expect(await refused('gemm', '--nightly')).toMatch(/gemm has nothing that takes a night/);
  expect(await refused('gemm', 'physics', '--part', part)).toMatch(/parts are of one suite/);
  expect(await refused('gemm', '--add')).toMatch(/rows are added to a page/);
}, 60_000);
