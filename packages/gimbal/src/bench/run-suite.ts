// One suite in this process: its peers are started when it asks for them and ended with it.
import { StoppedError } from '@gimbal/tensor-core';
import { loadModule } from '../cli/discover.ts';
import { counted } from '../cli/format.ts';
import { cpuTicks, othersShare } from './busy.ts';
import { Peer } from './peer.ts';
import { Sampler } from './sampler.ts';
import type { BenchOptions, BenchRow, Suite, SuiteContext } from './suite.ts';

export interface SuiteRequest {
  root: URL;
  name: string;
  options: BenchOptions;
  backend: string;
  threads: number;
  bf16: boolean;
  /** ends the suite at the next round of its timing, or row */
  signal: AbortSignal;
  onRow(row: BenchRow): void;
  note(text: string): void;
}

/** Of all processors: half a second of two, in which their work can be told from chance. */
const leastTicks = 100;

/**
 * @returns the rows, named after their suite, and the versions of the peers that took part
 * @throws StoppedError if the signal stopped it
 */
export async function runSuite(
  request: SuiteRequest,
): Promise<{ rows: BenchRow[]; versions: { [name: string]: string } }> {
  const { root, name, options, backend, threads, bf16, signal, note } = request;
  const { suite } = await loadModule<{ suite: Suite }>(root, 'benches', name);
  const peers = new Map<string, Peer>();
  const start = async (script: string): Promise<Peer> => {
    const running =
      peers.get(script) ?? (await Peer.start(root, script, threads, backend === 'node-gpu' ? 'cuda' : 'cpu'));
    peers.set(script, running);
    return running;
  };
  const context: SuiteContext = {
    options,
    backend,
    threads,
    bf16,
    sampler: new Sampler(options.effort, signal),
    peer: async (script) => (options.peer ? await start(script) : undefined),
    companion: start,
    wants: (part) => options.parts?.includes(part) ?? true,
    note,
  };
  const rows: BenchRow[] = [];
  try {
    let before = cpuTicks();
    let others: number | null = null;
    for await (const row of suite.run(context)) {
      const now = cpuTicks();
      // a row that does not say when it was timed was so all the time since the one before; one that comes at once, with it
      if (before === undefined || now === undefined || now.all - before.all >= leastTicks) {
        others = othersShare(before, now);
        before = now;
      }
      rows.push({ others, ...row, name: `${name}: ${row.name}` });
      request.onRow(rows.at(-1) as BenchRow);
      signal.throwIfAborted();
    }
  } catch (cause) {
    // a terminal's Ctrl-C reaches the peers too: theirs is then the first error
    if (!signal.aborted) throw cause;
    throw new StoppedError({
      where: `gimbal bench ${name}`,
      what: `stopped after ${counted(rows.length, 'row')}`,
      cause,
    });
  } finally {
    for (const peer of peers.values()) peer.close();
  }
  const versions = Object.assign({}, ...[...peers.values()].map((peer) => peer.versions)) as { [name: string]: string };
  return { rows, versions };
}
