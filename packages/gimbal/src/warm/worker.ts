// A process that trains some of the runs of gimbal warm. It gets its work in one message, sends every step back, and stops at
// the end of a step, leaving a checkpoint, when it is told to or when the command is gone.
import { Writable } from 'node:stream';
import type { GlobalOptions } from '../cli/globals.ts';
import { Output } from '../cli/output.ts';
import { startCompute } from '../run/compute.ts';
import { prepareWarm, type WarmSettings } from './prepare.ts';

/** What a process is to do. */
export interface WarmJob {
  settings: WarmSettings & Pick<GlobalOptions, 'backend'>;
  threads: number;
  /** the run's folder */
  path: string;
  only: readonly number[];
}

/** What a process says before it ends: what stopped it, of a full disk with its code and path. */
export type WarmFailure = Pick<NodeJS.ErrnoException, 'message' | 'code' | 'path'>;

const stop = new AbortController();
// of the terminal, or of who ends the whole group: the command gets it too, and says when to stop
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => stop.abort());
process.on('message', (message: WarmJob | 'stop') => {
  if (message === 'stop') stop.abort();
  else
    work(message).then(
      () => process.exit(0),
      ({ message: text, code, path }: NodeJS.ErrnoException) => {
        const failed: WarmFailure = { message: text, code, path };
        process.send?.({ failed }, undefined, undefined, () => process.exit(1));
      },
    );
});

async function work({ settings, threads, path, only }: WarmJob): Promise<void> {
  await startCompute({ backend: settings.backend, threads, trace: false });
  // what there is to say, the command has said
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = new Output({ stdout: nowhere, stderr: nowhere }, false);
  const prepared = await prepareWarm(settings, path, { output, signal: stop.signal });
  for await (const step of prepared.trainer.train({ signal: stop.signal, only })) process.send?.(step);
}
