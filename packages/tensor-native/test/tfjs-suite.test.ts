// tfjs-core's own backend suite, run against `native` at every instruction-set level this machine has.
import { nativeInfo } from '../src/index.ts';
import { runChild, testEachLevel } from './child.ts';

interface Result {
  passed: number;
  failed: number;
  excluded: number;
  skipped: number;
  failures: { name: string; message: string }[];
}

testEachLevel(
  "tfjs-core's suite passes at level %s",
  async (isa) => {
    const result = await runChild<Result>('tfjs-suite/run.mjs', ['native'], { GIMBAL_ISA: isa });
    const { passed, failed, excluded, skipped, failures } = result;
    process.stdout.write(
      `tfjs-core suite on native (${isa}): ${passed} passed, ${failed} failed, ${excluded} excluded, ` +
        `${skipped} that tfjs itself skips\n`,
    );
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(4000);
  },
  120_000,
);

// the tape is JavaScript: one level will do
const level = nativeInfo()?.isa;
(level === undefined ? test.skip : test)(
  "tfjs-core's suite passes with the lean tape",
  async () => {
    const env = { GIMBAL_TAPE: 'lean' };
    const { passed, failures } = await runChild<Result>('tfjs-suite/run.mjs', ['native'], env);
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(4000);
  },
  120_000,
);
