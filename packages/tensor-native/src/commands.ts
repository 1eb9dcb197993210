// Commands: a kernel writes `(op, …numbers)` into a queue, and the addon runs the queue when its results are wanted: when
// the host reads a tensor, when a step is captured or replayed, when many commands wait.
//
// Why a queue: between two commands that stream a megabyte each, JavaScript finds neither its code nor its objects in the
// caches and runs three times slower than a command's own cost would say. One after the other, many commands in
// JavaScript and then many in C++, both find theirs. Order is kept, so memory may be freed and given to a later command
// at once; only what the host itself writes needs memory that no waiting command uses (memory/heap.ts).
import { loadAddon } from './addon.ts';
import { NativeError } from './errors.ts';

const addon = loadAddon();
/** This copy's own: an ES module beside a CommonJS one has two copies of this file and one binary. */
const queue = new Float64Array(1 << 16);

/** Commands that wait at most: about a training step of small networks. */
const MOST_WAITING = 64;

/** Words of the queue in use: commands as `[length, op, arguments…]`, length counting all words. */
let filled = 0;
let waiting = 0;

/** The words of the program being captured; undefined outside a capture. */
let recording: number[] | undefined;

/** What has to happen once nothing waits any more. */
let settled: () => void = () => {};

/** Calls `f` after each run of the queue. */
export function onFlush(f: () => void): void {
  settled = f;
}

/** Whether commands wait. */
export function isWaiting(): boolean {
  return filled > 0;
}

/**
 * Runs the commands that wait. Every read by the host goes through NativeBuffer.view, which calls it.
 * @throws what the last command refuses: kernels whose command may do so flush at once, so that the error is theirs
 */
export function flush(): void {
  if (filled === 0) return;
  const count = filled;
  filled = 0;
  waiting = 0;
  try {
    addon?.run(queue, count);
  } finally {
    settled();
  }
}

/** The number of a native operation; -1 when no binary is loaded. Ask once, when a kernel file is loaded. */
export function op(name: string): number {
  if (!addon) return -1;
  const id = addon.opId(name);
  if (id < 0)
    throw new NativeError('ERR_BACKEND', {
      where: 'native',
      what: `the binary has no operation '${name}'`,
      fix: 'Build it again (build:native), or install binary and package of one version',
    });
  return id;
}

/** Like `op`, for operations that only some machines have: -1 where it is missing. */
export function optionalOp(name: string): number {
  return addon ? addon.opId(name) : -1;
}

/** Where a hot kernel writes its arguments, words[1…], before it calls `send`. */
export const commandWords: Float64Array = new Float64Array(queue.length);

/** Room for an operation of `count` arguments; where the first of them belongs in the queue. */
function begin(operation: number, count: number): number {
  if (filled + count + 2 > queue.length) flush();
  queue[filled] = count + 2;
  queue[filled + 1] = operation;
  return filled + 2;
}

/** Its arguments are in place. */
function end(count: number): void {
  if (recording !== undefined) for (let i = 0; i < count + 2; i++) recording.push(queue[filled + i] as number);
  filled += count + 2;
  if (++waiting >= MOST_WAITING || recording !== undefined) flush();
}

/** Appends the operation whose `count` arguments stand in `commandWords` from index 1 on. */
export function send(operation: number, count: number): void {
  const at = begin(operation, count);
  for (let i = 0; i < count; i++) queue[at + i] = commandWords[i + 1] as number;
  end(count);
}

/**
 * Appends one operation. Addresses come from `address(t)`; what each argument means stands at the operation in cc/. It
 * leaves `commandWords` alone: an address that is asked for while a kernel fills them may need a command of its own.
 */
export function emit(operation: number, ...values: number[]): void {
  append(operation, values);
}

function append(operation: number, values: readonly number[]): void {
  const at = begin(operation, values.length);
  for (let i = 0; i < values.length; i++) queue[at + i] = values[i] as number;
  end(values.length);
}

/** `emit` of what is done once, whoever asks first: a step that is being captured does not hold it. */
export function emitOnce(operation: number, ...values: number[]): void {
  const program = recording;
  recording = undefined;
  try {
    emit(operation, ...values);
    if (program !== undefined) flush();
  } finally {
    recording = program;
  }
}

/** `emit` for commands of any length, such as an optimiser's list of tensors. */
export function emitAll(operation: number, values: readonly number[]): void {
  if (values.length + 2 <= queue.length) {
    append(operation, values);
    return;
  }
  const command = new Float64Array(values.length + 2);
  command[0] = values.length + 2;
  command[1] = operation;
  for (let i = 0; i < values.length; i++) command[i + 2] = values[i] as number;
  if (recording !== undefined) for (const word of command) recording.push(word);
  replayWords(command);
}

/** True while a step is captured. */
export function isRecording(): boolean {
  return recording !== undefined;
}

/** Starts recording; `stopRecording` gives the words. Commands run at once meanwhile. */
export function startRecording(): void {
  flush();
  recording = [];
}

export function stopRecording(): Float64Array {
  const result = Float64Array.from(recording ?? []);
  recording = undefined;
  return result;
}

/** Runs recorded words. */
export function replayWords(program: Float64Array): void {
  flush();
  addon?.run(program, program.length);
}
