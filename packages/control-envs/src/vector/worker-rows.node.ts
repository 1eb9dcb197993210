/** The main thread's side of one worker: commands, waiting without blocking, and noticing its death. */
import { once } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { BackendError, ConfigError } from '@gimbal/tensor-core';
import { command, received, type SentError, spinUntil, type WorkerSetup, word } from './protocol.ts';

interface Reply {
  ready?: true;
  error?: SentError;
  states?: Float64Array[];
}

export class WorkerRows {
  readonly from: number;
  readonly count: number;
  /** false once the thread has ended by itself */
  alive = true;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #control: Int32Array;
  readonly #ended: Promise<void>;
  #reason = 'it ended';

  private constructor(worker: Worker, port: MessagePort, { from, count, control }: WorkerSetup) {
    this.#worker = worker;
    this.#port = port;
    this.#control = control;
    this.from = from;
    this.count = count;
    worker.on('error', (error) => {
      this.#reason = error.message;
    });
    this.#ended = once(worker, 'exit').then(
      () => {
        this.alive = false;
      },
      () => {
        this.alive = false;
      },
    );
  }

  /** @throws what the environments' construction throws */
  static async start(setup: WorkerSetup): Promise<WorkerRows> {
    const built = import.meta.url.endsWith('.ts') ? '../../dist/step.worker.js' : './step.worker.js';
    // its own channel: messages wait there until they are taken, without the event loop
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    const workerData = { setup, port: port2 };
    const worker = new Worker(new URL(built, import.meta.url), { workerData, transferList: [port2] });
    const rows = new WorkerRows(worker, port1, setup);
    const first = once(worker, 'message').then(([message]) => message as Reply);
    const reply = await Promise.race([first, rows.#ended.then(() => undefined)]);
    if (reply?.error !== undefined) throw received(reply.error);
    if (reply?.ready !== true) {
      throw new BackendError({ where: 'makeVectorEnv', what: 'a worker ended while it started', got: rows.#reason });
    }
    worker.unref();
    return rows;
  }

  /** Ends the thread at once, as a crash would: for tests. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Why the thread ended. */
  get reason(): string {
    return this.#reason;
  }

  /** Gives a command; `finished` says when it is done. */
  give(what: number, payload?: unknown): void {
    if (payload !== undefined) this.#send(payload);
    this.#worker.ref();
    this.#control[word.command] = what;
    Atomics.add(this.#control, word.given, 1);
    Atomics.notify(this.#control, word.given);
  }

  /**
   * Waits for the command. With `blocking` this thread, which has just stepped its own share, stays awake for a moment
   * and then sleeps in short slices; without, the event loop goes on.
   * @returns false if the worker died instead
   * @throws what the command threw
   */
  async finished(blocking = false): Promise<boolean> {
    const control = this.#control;
    const given = control[word.given] as number;
    if (blocking) spinUntil(control, word.done, given, awakeMs);
    for (;;) {
      const done = Atomics.load(control, word.done);
      if (done === given) break;
      if (!this.alive) return false;
      // never without a limit: a worker that dies notifies nobody, and Node 20 loses a wake-up in some 100,000
      if (blocking) {
        Atomics.wait(control, word.done, done, sliceMs);
        if (Atomics.load(control, word.done) !== given) await nextTurn();
      } else {
        const waiting = (Atomics as WithWaitAsync).waitAsync(control, word.done, done, sliceMs);
        if (waiting.async) await waiting.value;
      }
    }
    this.#worker.unref();
    if (control[word.failed] === 1) {
      const reply = this.#take();
      if (reply?.error !== undefined) throw received(reply.error);
    }
    return true;
  }

  /**
   * Gives a command and blocks for its answer; for what the contract wants at once (states).
   * @throws BackendError if the worker has died; what the command threw
   */
  ask(what: number, payload?: unknown): Reply | undefined {
    if (!this.alive) {
      const fix = 'Step or reset first: it is replaced then, and its copies begin anew';
      throw new BackendError({ where: 'VectorEnv', what: 'a worker has died', got: this.#reason, fix });
    }
    this.give(what, payload);
    const control = this.#control;
    const deadline = performance.now() + patienceMs;
    while (Atomics.load(control, word.done) !== control[word.given]) {
      Atomics.wait(control, word.done, Atomics.load(control, word.done), 50);
      if (performance.now() < deadline) continue;
      throw new BackendError({ where: 'VectorEnv', what: 'a worker does not answer', got: `${patienceMs} ms` });
    }
    this.#worker.unref();
    const reply = this.#take();
    if (reply?.error !== undefined) throw received(reply.error);
    return reply;
  }

  async close(): Promise<void> {
    if (!this.alive) return;
    this.give(command.close);
    this.#worker.unref();
    await this.#ended;
    this.#port.close();
  }

  #send(payload: unknown): void {
    try {
      this.#port.postMessage(payload);
    } catch (cause) {
      const [where, what] = ['VectorEnv', 'options that cannot be sent to a worker'];
      throw new ConfigError({ where, what, got: (cause as Error).message, wanted: 'plain data', cause });
    }
  }

  #take(): Reply | undefined {
    return receiveMessageOnPort(this.#port)?.message as Reply | undefined;
  }
}

/** In Node since 16; TypeScript's library has it from ES2024 on. */
type WithWaitAsync = typeof Atomics & {
  waitAsync(array: Int32Array, index: number, value: number, timeoutMs: number): { async: boolean; value: unknown };
};

/** A turn of the event loop, in which the end of a thread is noticed. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How long the thread stays awake for workers whose shares are as large as its own. */
const awakeMs = 0.5;
/** How long it sleeps at most before it looks again. */
const sliceMs = 5;
const patienceMs = 30_000;
