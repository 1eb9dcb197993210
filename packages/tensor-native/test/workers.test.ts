// Worker threads run the package itself, not only its binary (src/workers.test.ts): each has its own heap, queue and tape.
import { runChild } from './child.ts';
import { testNative } from './native.ts';
import type { Outcome } from './workers/job.ts';

testNative(
  'two workers and the main thread train at once, and get to the bit what each gets alone',
  async () => {
    const { workers, main, alone } = await runChild<{ workers: Outcome[]; main: Outcome; alone: Outcome[] }>(
      'workers/run.mjs',
      [],
      {},
    );
    expect([...workers, main]).toEqual(alone);
    // three jobs that differ and learn
    expect(new Set(alone.map((o) => o.weights)).size).toBe(3);
    for (const { losses, tensors, liveBytes, threads } of alone) {
      expect(losses.at(-1)).toBeLessThan(0.7 * (losses[0] as number));
      expect({ tensors, liveBytes, threads }).toEqual({ tensors: 0, liveBytes: 0, threads: 1 });
    }
  },
  120_000,
);
