// Capture and replay: the commands of one step, run again by one call.
//
// Valid when shapes and control flow are constant, inputs are written into fixed tensors (`overwrite`), and counters,
// random state and learning rates live in tensors. What could go wrong silently is refused or held back: a host kernel
// throws (it would freeze its result); values the host writes during the capture get memory that no command of the
// program uses; no block the program touches is reused by others while it lives.
import { replayWords, startRecording, stopRecording } from './commands.ts';
import { heap } from './memory/heap.ts';
import { sizeClass } from './memory/size-class.ts';

/** The blocks of a program: everything allocated during its capture, and what was freed in it. */
class ProgramMemory {
  // bytes asked for, by address
  #blocks = new Map<number, number>();
  // blocks whose tensor is gone
  #dead = new Set<number>();
  #constants = new Set<number>();
  #free: number[][] = [];

  // ---- while capturing (HeapObserver) ----

  allocate(index: number, fresh: boolean): number | undefined {
    return fresh ? undefined : this.#free[index]?.pop();
  }

  allocated(address: number, bytes: number, fresh: boolean): void {
    this.#blocks.set(address, bytes);
    this.#dead.delete(address);
    if (fresh) this.#constants.add(address);
  }

  free(address: number, bytes: number): boolean {
    if (heap.owned.has(address)) return false; // another program's
    const ours = this.#blocks.has(address);
    this.#blocks.set(address, bytes);
    this.#dead.add(address);
    // a block that was there before, or holds a constant, must keep its contents for the replay
    if (ours && !this.#constants.has(address)) {
      const index = sizeClass(bytes);
      let list = this.#free[index];
      if (list === undefined) {
        list = [];
        this.#free[index] = list;
      }
      list.push(address);
    }
    return true;
  }

  // ---- afterwards ----

  own(): void {
    for (const address of this.#blocks.keys()) heap.owned.set(address, this);
  }

  released(address: number): void {
    this.#dead.add(address);
  }

  dispose(): void {
    for (const [address, bytes] of this.#blocks) {
      heap.owned.delete(address);
      if (this.#dead.has(address)) heap.recycle(address, bytes);
    }
    this.#blocks.clear();
  }
}

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

  /** Runs the step again. @throws after `dispose` */
  replay(): void {
    if (this.#words === undefined) throw new Error('capture: this program was disposed');
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
 * @throws when a kernel without a native body runs, or inside another capture; nothing is kept then
 */
export function capture(step: () => void): Program {
  if (heap.observer !== undefined) throw new Error('capture: already capturing');
  const memory = new ProgramMemory();
  heap.observer = memory;
  startRecording();
  try {
    step();
  } catch (error) {
    heap.observer = undefined;
    stopRecording();
    memory.own();
    memory.dispose();
    throw error;
  }
  heap.observer = undefined;
  const program = new Program(stopRecording(), memory);
  memory.own();
  return program;
}
