// Capture and replay: the commands of one step, run again by one call.
//
// Valid when shapes and control flow are constant, inputs are written into fixed tensors (`overwrite`), and counters,
// random state and learning rates live in tensors. What could go wrong silently is refused or held back: a host kernel
// throws (it would freeze its result); values the host writes during the capture get memory that no command of the
// program uses; no block that the program touches is reused by others while it lives, even if its tensor is disposed of.
import { replayWords, startRecording, stopRecording } from './commands.ts';
import { NativeError } from './errors.ts';
import { heap } from './memory/heap.ts';

/** The blocks of a program, pinned while it lives: all that its kernels touched, allocated or freed. */
class ProgramMemory {
  #pinned = new Set<number>();
  // blocks that were made during the capture and may be used again within it: no inputs, no values from the host
  #own = new Set<number>();
  #free: number[][] = [];

  touched(address: number): void {
    if (this.#pinned.has(address)) return;
    this.#pinned.add(address);
    heap.pin(address);
  }

  reuse(index: number): number | undefined {
    return this.#free[index]?.pop();
  }

  allocated(address: number, fresh: boolean): void {
    this.touched(address);
    if (!fresh) this.#own.add(address);
  }

  freed(address: number, index: number): void {
    this.touched(address);
    if (!this.#own.has(address)) return;
    let list = this.#free[index];
    if (list === undefined) {
      list = [];
      this.#free[index] = list;
    }
    list.push(address);
  }

  dispose(): void {
    for (const address of this.#pinned) heap.unpin(address);
    this.#pinned.clear();
  }
}

const refused = (what: string, fix: string): NativeError =>
  new NativeError('ERR_CONFIG', { where: 'capture', what, fix });

/** A captured step. Tensors it returned hold the newest results after each `replay`. */
export class Program {
  #words: Float64Array | undefined;
  readonly #memory: ProgramMemory;
  /** Commands in the program. */
  readonly length: number;

  constructor(words: Float64Array, memory: ProgramMemory) {
    this.#words = words;
    this.#memory = memory;
    let count = 0;
    for (let at = 0; at < words.length; at += words[at] as number) count++;
    this.length = count;
  }

  /** Runs the step again. @throws NativeError after `dispose` */
  replay(): void {
    if (this.#words === undefined) throw refused('this program was disposed', 'Capture the step again');
    replayWords(this.#words);
  }

  /** Lets go of the program's memory; tensors it returned stay valid. Safe to call twice. */
  dispose(): void {
    if (this.#words === undefined) return;
    this.#words = undefined;
    this.#memory.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Runs `step` once and records its native commands.
 * @param step returns nothing that is awaited; tensors it keeps (`tf.keep`, variables) are the program's results
 * @throws NativeError when a kernel without a native body runs, or inside another capture; nothing is kept then
 */
export function capture(step: () => void): Program {
  if (heap.observer !== undefined) throw refused('already capturing', 'End the outer capture first');
  const memory = new ProgramMemory();
  heap.observer = memory;
  startRecording();
  try {
    step();
  } catch (error) {
    heap.observer = undefined;
    stopRecording();
    memory.dispose();
    throw error;
  }
  heap.observer = undefined;
  return new Program(stopRecording(), memory);
}
