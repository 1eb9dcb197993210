// Runs a command line in this process and keeps what it printed.
import { Writable } from 'node:stream';
import { main } from '../src/cli/main.ts';

export interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

/** @param root the folder of commands: fixtures by default */
export async function runMain(
  argv: readonly string[],
  root = new URL('./fixtures/', import.meta.url),
): Promise<Printed> {
  const text = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text[name] += chunk.toString();
        done();
      },
    });
  const code = await main(argv, { root, streams: { stdout: sink('stdout'), stderr: sink('stderr') } });
  return { code, ...text };
}

/** What a command line prints with --json. @throws Error with what it says on stderr, where it ends with another code than 0 */
export async function resultOf(argv: readonly string[], root?: URL): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runMain([...argv, '--json'], root);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}
