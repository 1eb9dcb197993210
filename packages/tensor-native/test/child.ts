// Programs of the tests that need a process of their own: another instruction-set level, or globals that Jest owns.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nativeInfo, nativeUnavailableReason } from '../src/index.ts';

/** Runs test/<script> and returns the JSON object on its last line. */
export function runChild<T>(script: string, args: string[], env: Record<string, string>): Promise<T> {
  const file = fileURLToPath(new URL(`./${script}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
    execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      // a failing check is an exit code too: the report says more
      if (last.startsWith('{')) resolve(JSON.parse(last) as T);
      else reject(new Error(`${script} did not finish: ${error?.message} ${stderr.slice(0, 2000)}`));
    });
  });
}

const levels = ['base', 'avx2', 'avx512'];
const info = nativeInfo();
if (!info) process.stdout.write(`skipped, no native binary: ${nativeUnavailableReason()}\n`);

/** Declares a test for every instruction-set level this machine has; without a binary one skipped test. */
export const testEachLevel: (name: string, body: (isa: string) => Promise<void>, timeoutMs: number) => void = info
  ? test.each(levels.slice(0, levels.indexOf(info.isa) + 1))
  : (name) => test.skip(name, () => {});
