// The suites of gimbal bench, run for a moment each: every row is a number, and on the native backend no kernel of these
// workloads falls to the host. (lm-train takes longer: tensor-core's tests count the host kernels of such a step.)
import type { BenchReport } from '../src/bench/table.ts';
import { nativePackage } from '../src/run/native.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);

test.each([
  ['gemm', 15],
  ['lm-generate', 2],
  ['rl-update', 1],
  ['small-ops', 6],
])(
  '%s',
  async (suite, leastRows) => {
    const { code, stdout, stderr } = await runMain(['bench', suite, '--effort', '0.05', '--json'], source);
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
