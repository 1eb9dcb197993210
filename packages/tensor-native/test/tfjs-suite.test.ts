// tfjs-core's own backend suite, run against `native` at every instruction-set level this machine has.
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

testEachLevel(
  'and with the lean tape at level %s',
  async (isa) => {
    const { passed, failures } = await runChild<Result>('tfjs-suite/run.mjs', ['native'], {
      GIMBAL_ISA: isa,
      GIMBAL_TAPE: 'lean',
    });
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(4000);
  },
  120_000,
);
