// What the process holds, and the path for runtimes that refuse memory from outside (Electron).
import { runChild } from './child.ts';
import { testNative } from './native.ts';

interface Result {
  before: number;
  full: number;
  released: number;
  after: number;
  sum: number;
  withHuge: number;
  withoutHuge: number;
}

const run = (env: Record<string, string>): Promise<Result> => runChild<Result>('memory/run.mjs', [], env);

testNative(
  'releaseFreeMemory lowers the resident size, and a huge tensor gives its pages back by itself (MiB)',
  async () => {
    const { before, full, released, after, sum, withHuge, withoutHuge } = await run({});
    expect(full - before).toBeGreaterThan(120); // 40 tensors of 4 MiB
    expect(released).toBeGreaterThan(120);
    expect(full - after).toBeGreaterThan(120);
    expect(sum).toBe(2 ** 20);
    expect(withHuge - withoutHuge).toBeGreaterThan(350); // 400 MiB
  },
  60_000,
);

testNative(
  'memory that the runtime allocates serves as well, and is not given back page by page',
  async () => {
    const { released, sum } = await run({ GIMBAL_SEGMENTS: 'js' });
    expect(released).toBe(0);
    expect(sum).toBe(2 ** 20);
  },
  60_000,
);
