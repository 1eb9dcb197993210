// tfjs-core's own backend suite, run against `native` at every instruction-set level this machine has. Its jasmine
// needs globals that Jest owns, so each run is a process of its own (test/tfjs-suite/run.mjs).
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nativeInfo } from '../src/index.ts';

interface Result {
  passed: number;
  failed: number;
  excluded: number;
  skipped: number;
  failures: { name: string; message: string }[];
}

function runSuite(isa: string): Promise<Result> {
  const script = fileURLToPath(new URL('./tfjs-suite/run.mjs', import.meta.url));
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, GIMBAL_ISA: isa }, maxBuffer: 2 ** 26 };
    execFile(process.execPath, [script, 'native'], options, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      // a failing spec is an exit code too: the report says more
      if (last.startsWith('{')) resolve(JSON.parse(last) as Result);
      else reject(new Error(`the suite did not finish: ${error?.message} ${stderr.slice(0, 2000)}`));
    });
  });
}

const levels = ['base', 'avx2', 'avx512'];
const available = levels.slice(0, levels.indexOf(nativeInfo()?.isa ?? 'base') + 1);

test.each(available)(
  "tfjs-core's suite passes at level %s",
  async (isa) => {
    const { passed, failed, excluded, skipped, failures } = await runSuite(isa);
    process.stdout.write(
      `tfjs-core suite on native (${isa}): ${passed} passed, ${failed} failed, ${excluded} excluded, ` +
        `${skipped} that tfjs itself skips\n`,
    );
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(4000);
  },
  120_000,
);
