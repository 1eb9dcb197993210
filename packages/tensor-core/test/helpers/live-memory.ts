/** How much memory code really holds, whenever the collector happens to run. */
import { open } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of objects and buffers, garbage that was not collected yet included. */
const heldBytes = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** The same without the garbage: a first collection finds the buffers that nothing holds, a second has freed them. */
function liveBytes(): number {
  collect();
  collect();
  return heldBytes();
}

/**
 * Whether `f` holds more live bytes than `limit` at any read of a file: where the count with garbage is beyond it, a
 * collection tells what of it is held.
 */
export async function holdsMoreThan(limit: number, f: () => Promise<unknown>): Promise<boolean> {
  const before = liveBytes();
  let exceeded = false;
  // files are read through a method of a class that Node does not export
  const file = await open(process.execPath);
  const methods = Object.getPrototypeOf(file) as { read(...args: unknown[]): Promise<unknown> };
  await file.close();
  const { read } = methods;
  methods.read = function (this: unknown, ...args) {
    exceeded ||= heldBytes() - before > limit && liveBytes() - before > limit;
    return read.apply(this, args);
  };
  try {
    await f();
  } finally {
    methods.read = read;
  }
  return exceeded;
}
