// --trace: where the time went, kernel by kernel, and which kernels fell to JavaScript; all of it on stderr.
import { Writable } from 'node:stream';
import { complex, matMul, ones, real, spectral, tidy } from '@tensorflow/tfjs-core';
import { Output } from '../src/cli/output.ts';
import { startCompute } from '../src/run/compute.ts';
import { nativePackage } from '../src/run/native.ts';
import { runMain } from './run-main.ts';

/** What `work` leaves on stderr (nothing may stand on stdout) under these options. */
async function traced(
  options: Parameters<typeof startCompute>[0],
  work: () => void,
): Promise<{ lines: string[]; calls: (operation: string) => number | undefined }> {
  const text = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text[name] += chunk.toString();
        done();
      },
    });
  const compute = await startCompute(options);
  tidy(work);
  await compute.trace(new Output({ stdout: sink('stdout'), stderr: sink('stderr') }, true));
  expect(text.stdout).toBe('');
  const lines = text.stderr.split('\n').slice(0, -1);
  return {
    lines,
    calls: (operation) => {
      const line = lines.find((l) => l.trim().split(/\s+/)[0] === operation);
      return line === undefined ? undefined : Number(line.trim().split(/\s+/)[1]);
    },
  };
}

const hasNative = (await nativePackage())?.isNativeAvailable() ?? false;
if (!hasNative) process.stdout.write('skipped: there is no native binary to trace\n');

(hasNative ? describe : describe.skip)('--trace on native', () => {
  afterAll(async () => (await nativePackage())?.setProfiling(false));

  test('counts the calls of each operation, and the kernels that ran in JavaScript', async () => {
    const options = { backend: 'native', trace: true } as const;
    const product = (): void => void matMul(ones([64, 64]), ones([64, 64])).dataSync();
    const transform = (): void => void real(spectral.fft(complex(ones([8]), ones([8])))).dataSync();
    const { lines, calls } = await traced(options, () => {
      for (let i = 0; i < 3; i++) product();
      for (let i = 0; i < 2; i++) transform();
    });
    expect(lines[0]?.trim().split(/\s+/)).toEqual(['operation', 'calls', 'time', 'share']);
    expect(calls('gemm')).toBe(3);
    // complex numbers have no native kernel
    expect(lines.at(-1)).toMatch(/^host fallbacks: .*\bFFT 2\b/);

    // the next one starts from nothing
    const again = await traced(options, product);
    expect(again.calls('gemm')).toBe(1);
    expect(again.lines.at(-1)).toBe('host fallbacks: none');
    // shares of the whole: with what is outside kernels they make up all of it
    const shares = again.lines.flatMap((line) => /([\d.]+) %$/.exec(line)?.[1] ?? []).map(Number);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
  });

  test('a command prints it beside its result', async () => {
    const source = new URL('../src/', import.meta.url);
    const { code, stdout, stderr } = await runMain(
      ['bench', 'small-ops', '--effort', '0', '--trace', '--json'],
      source,
    );
    expect(code).toBe(0);
    expect(() => JSON.parse(stdout)).not.toThrow();
    expect(stderr).toMatch(/^operation +calls +time +share$/m);
    expect(stderr).toMatch(/^host fallbacks: none$/m);
  }, 60_000);
});

test('on another backend it says that nothing is counted there', async () => {
  const { lines } = await traced({ backend: 'cpu', trace: true }, () => {});
  expect(lines).toEqual(['--trace: time per kernel is counted on the native backend only; this run used cpu']);
});

test('without --trace nothing is printed', async () => {
  expect((await traced({ backend: 'cpu', trace: false }, () => {})).lines).toEqual([]);
});
