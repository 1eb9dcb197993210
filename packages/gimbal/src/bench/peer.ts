// The other side of a benchmark: a long-lived process that answers one timing request at a time, so that its runs and
// ours alternate on the same machine under the same load. See peers/protocol.py for the protocol.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BackendError } from '@gimbal/tensor-core';
import type { Contender } from './sampler.ts';

interface Reply {
  ready?: boolean;
  versions?: { [name: string]: string };
  seconds?: number;
  value?: unknown;
  error?: string;
}

export class Peer {
  private constructor(
    private readonly name: string,
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly lines: AsyncIterator<string>,
    private readonly errors: string[],
    /** of the peer's libraries */
    readonly versions: { readonly [name: string]: string },
  ) {}

  /**
   * Start a script of peers/.
   * @param root folder of the running code (src or dist), beside which peers/ lies
   * @param device where a script in PyTorch computes
   * @param script `gemm.py` runs under $PYTHON or python3, `*.mjs` under this Node
   * @throws BackendError with what the process printed, if it does not get ready
   */
  static async start(root: URL, script: string, threads: number, device: 'cpu' | 'cuda' = 'cpu'): Promise<Peer> {
    const file = fileURLToPath(new URL(`../peers/${script}`, root));
    const program = script.endsWith('.py') ? (process.env.PYTHON ?? 'python3') : process.execPath;
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
    const child = spawn(program, [file, '--threads', String(threads), '--device', device], { env });
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    failed.catch(() => {}); // reported below, where it is awaited
    const errors: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    try {
      const ready = await Promise.race([read(lines), failed]);
      if (!ready?.ready) throw new Error('it ended before it was ready');
      return new Peer(script, child, lines, errors, ready.versions ?? {});
    } catch (cause) {
      child.kill();
      throw new BackendError({
        where: `bench --peer (${script})`,
        what: `the peer does not start: ${(cause as Error).message}${errors.length > 0 ? `\n${errors.slice(-5).join('\n')}` : ''}`,
        fix: 'Set PYTHON to an interpreter that has what the peer imports (torch, transformers, gymnasium …), or leave --peer out',
        cause,
      });
    }
  }

  /** A contender for the sampler: a case of the script with its arguments. */
  contender(name: string, args: { [name: string]: unknown }): Contender {
    return {
      seconds: async (calls) => (await this.request({ time: name, arguments: args, calls })).seconds ?? Number.NaN,
    };
  }

  /** The answer to a question the script knows. */
  async ask<T>(name: string, args: { [name: string]: unknown } = {}): Promise<T> {
    return (await this.request({ ask: name, arguments: args })).value as T;
  }

  close(): void {
    this.child.stdin.end();
    this.child.kill();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private async request(message: object): Promise<Reply> {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
    const reply = await read(this.lines);
    if (reply && reply.error === undefined) return reply;
    throw new BackendError({
      where: `bench --peer (${this.name})`,
      what: reply?.error ?? `the peer ended${this.errors.length > 0 ? `:\n${this.errors.slice(-5).join('\n')}` : ''}`,
      got: message,
    });
  }
}

async function read(lines: AsyncIterator<string>): Promise<Reply | undefined> {
  const { value, done } = await lines.next();
  return done ? undefined : (JSON.parse(value) as Reply);
}
