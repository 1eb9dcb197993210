// tfjs-core's own backend suite, run against `native` at every instruction-set level this machine has.
import { nativeInfo } from '../src/index.ts';
import { runChild, testEachLevel } from './child.ts';

interface Result {
  passed: number;
  failed: number;
  excluded: { name: string; reason: string }[];
  skipped: number;
  failures: { name: string; message: string }[];
}

/** Every spec of tfjs-core 4.22.0, which is pinned: another number means that some did not run. */
const everySpec = {
  passed: 4225,
  failed: 0,
  failures: [],
  // with the reason of each (tfjs-suite/exclusions.mjs): none today
  excluded: [],
  // switched off in tfjs's own source
  skipped: 5,
};

testEachLevel(
  "tfjs-core's suite passes at level %s",
  async (isa) => {
    const result = await runChild<Result>('tfjs-suite/run.mjs', ['native'], { GIMBAL_ISA: isa });
    const { passed, failed, excluded, skipped } = result;
    process.stdout.write(
      `tfjs-core suite on native (${isa}): ${passed} passed, ${failed} failed, ${excluded.length} excluded, ` +
        `${skipped} that tfjs itself skips\n`,
    );
    expect(result).toEqual(everySpec);
  },
  120_000,
);

// the tape is JavaScript: one level will do
const level = nativeInfo()?.isa;
if (level === undefined) process.stdout.write('skipped: no binary, so no lean tape\n');
(level === undefined ? test.skip : test)(
  "tfjs-core's suite passes with the lean tape",
  async () => {
    expect(await runChild<Result>('tfjs-suite/run.mjs', ['native'], { GIMBAL_TAPE: 'lean' })).toEqual(everySpec);
  },
  120_000,
);
