// Commands: `emit(op, …numbers)` writes into the shared command buffer and runs at once, so that reads and errors stay
// simple; while a step is captured the same words are also recorded.
import { loadAddon } from './addon.ts';

const addon = loadAddon();
const words = addon?.commands ?? new Float64Array(1);

/** The words of the program being captured, each command `[length, op, arguments…]`; undefined outside a capture. */
let recording: number[] | undefined;

/** The number of a native operation; -1 when no binary is loaded. Ask once, when a kernel file is loaded. */
export function op(name: string): number {
  if (!addon) return -1;
  const id = addon.opId(name);
  if (id < 0) throw new Error(`tensor-native: the binary has no operation '${name}'; build it again (build:native)`);
  return id;
}

/** Like `op`, for operations that only some machines have: -1 where it is missing. */
export function optionalOp(name: string): number {
  return addon ? addon.opId(name) : -1;
}

/**
 * The command buffer: a hot kernel writes its arguments into words[1…] itself and calls `send`; `emit` does the same
 * from a list.
 */
export const commandWords: Float64Array = words;

/** Runs the operation whose `count` arguments stand in `commandWords` from index 1 on. */
export function send(operation: number, count: number): void {
  words[0] = operation;
  if (recording !== undefined) {
    recording.push(count + 2, operation);
    for (let i = 1; i <= count; i++) recording.push(words[i] as number);
  }
  addon?.run();
}

/** Runs one operation. Addresses come from `address(t)`; what each argument means stands at the operation in cc/. */
export function emit(operation: number, ...values: number[]): void {
  for (let i = 0; i < values.length; i++) words[i + 1] = values[i] as number;
  send(operation, values.length);
}

/** `emit` for commands of any length, such as an optimiser's list of tensors. */
export function emitAll(operation: number, values: readonly number[]): void {
  if (values.length < words.length) {
    for (let i = 0; i < values.length; i++) words[i + 1] = values[i] as number;
    send(operation, values.length);
    return;
  }
  const command = new Float64Array(values.length + 2);
  command[0] = values.length + 2;
  command[1] = operation;
  for (let i = 0; i < values.length; i++) command[i + 2] = values[i] as number;
  if (recording !== undefined) for (const word of command) recording.push(word);
  addon?.replay(command);
}

/** True while a step is captured. */
export function isRecording(): boolean {
  return recording !== undefined;
}

/** Starts recording; `stopRecording` gives the words. */
export function startRecording(): void {
  recording = [];
}

export function stopRecording(): Float64Array {
  const result = Float64Array.from(recording ?? []);
  recording = undefined;
  return result;
}

/** Runs recorded words. */
export function replayWords(program: Float64Array): void {
  addon?.replay(program);
}
