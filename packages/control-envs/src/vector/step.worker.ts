/** A worker thread that steps its rows whenever the control array says so. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ConfigError } from '@gimbal/tensor-core';
import { listEnvs, makeEnv } from '../registry/registry.ts';
import { command, type ResetPayload, sendable, spinUntil, type WorkerSetup, word } from './protocol.ts';
import { Rows } from './rows.ts';

const { setup, port } = workerData as { setup: WorkerSetup; port: MessagePort };
const { id, options, from, count, mode, arrays, control, modules } = setup;

/** how long it stays awake after a command: a sleeping thread takes as long to wake as a small step takes */
const awakeMs = 0.05;

try {
  for (const module of modules) await importModule(module);
  if (!listEnvs().some((known) => known.id === id)) {
    const fix = 'Register it in a module of its own and name that in modules';
    throw new ConfigError({ where: 'makeVectorEnv', what: 'the workers do not know this environment', got: id, fix });
  }
  const envs = [];
  for (let i = 0; i < count; i++) envs.push(await makeEnv(id, options));
  parentPort?.postMessage({ ready: true });
  serve(new Rows(envs, from, mode, arrays));
} catch (error) {
  parentPort?.postMessage({ error: sendable(error) });
}

/** Waits for commands, awake for a moment, then asleep; ends after `close`. */
function serve(rows: Rows): void {
  let given = 0;
  for (;;) {
    if (!spinUntil(control, word.given, given + 1, awakeMs)) Atomics.wait(control, word.given, given);
    given++;
    const what = Atomics.load(control, word.command);
    control[word.failed] = 0;
    try {
      if (what === command.step) rows.step();
      else if (what === command.reset) {
        const { seeds, mask, options: resetOptions } = payload() as ResetPayload;
        rows.reset(seeds, mask, resetOptions);
      } else if (what === command.save) port.postMessage({ states: rows.save() });
      else if (what === command.load) rows.load(payload() as Float64Array[]);
      else rows.close();
    } catch (error) {
      control[word.failed] = 1;
      port.postMessage({ error: sendable(error) });
    }
    Atomics.store(control, word.done, given);
    Atomics.notify(control, word.done);
    if (what === command.close) {
      port.close();
      return;
    }
  }
}

async function importModule(name: string): Promise<void> {
  await import(name).catch((cause) => {
    const fix = `${(cause as Error).message}. Name modules by file URLs or packages; they are imported on each worker`;
    throw new ConfigError({ where: 'makeVectorEnv modules', what: 'it cannot be imported', got: name, fix, cause });
  });
}

/** What was sent along with the command. */
function payload(): unknown {
  return receiveMessageOnPort(port)?.message as unknown;
}
