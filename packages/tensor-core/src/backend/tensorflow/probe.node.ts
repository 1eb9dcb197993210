// Loads a binding in a process of its own and asks what it computes with.
import { execFile } from 'node:child_process';

/** What a binding said. */
export interface Probed {
  version: string;
  gpu: boolean;
  /** The last line of TensorFlow's log that tells something, or why there is none. */
  said: string;
  /** What the dynamic linker said where the binding does not load. */
  error?: string;
}

const program = `
try {
  const binding = require(process.argv[1]);
  console.log(JSON.stringify({ version: binding.TF_Version, gpu: binding.isUsingGpuDevice() }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}`;

/** Never rejects: what ends the process is an `error` too. */
export function probe(binding: string, timeoutMs = 60_000): Promise<Probed> {
  return new Promise((resolve) => {
    // the log says why there is no GPU
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '0', TF_FORCE_GPU_ALLOW_GROWTH: 'true' };
    const args = ['--no-deprecation', '-e', program, binding];
    execFile(process.execPath, args, { env, timeout: timeoutMs }, (failure, stdout, stderr) => {
      const said = whatItSaid(stderr);
      try {
        // among what programs say that NODE_OPTIONS loads too
        const line = stdout.split('\n').findLast((one) => /^\{"(version|error)"/.test(one)) ?? '';
        const answer = JSON.parse(line) as { version?: string; gpu?: boolean };
        resolve({ version: '', gpu: false, said, ...answer });
      } catch {
        const lines = stderr.trim().split('\n').slice(-3).join(' ');
        resolve({ version: '', gpu: false, said, error: `${failure?.message.split('\n')[0] ?? 'no answer'} ${lines}` });
      }
    });
  });
}

/** `2026-… I external/…/cudart_stub.cc:31] Could not find cuda drivers …` → `Could not find cuda drivers …` */
function whatItSaid(log: string): string {
  const lines = log.split('\n').filter((line) => /cuda|gpu|nvidia/i.test(line) && !/oneDNN|cpu_feature/i.test(line));
  const last = lines
    .at(-1)
    ?.replace(/^.*?\.cc:\d+\]\s*/, '')
    .trim();
  return last || 'it gives no reason';
}
