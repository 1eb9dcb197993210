/**
 * Turns of the event loop in long work. A backend whose results are there at once settles its promises on microtasks
 * alone: signals, timers, a page's clicks and frames would wait until all of the work is over.
 */

/** Between two turns of the event loop: short for a person who presses Ctrl-C, long beside the microseconds of a turn. */
const longestMs = 50;

// taken when the module is read: a test's false clock would never give the turn
const { setImmediate: immediate } = globalThis as { setImmediate?: (then: () => void) => unknown };

/** Calls in the next turn. A page has no setImmediate, and delays nested timers by 4 ms: a message to itself comes at once. */
export function byMessage(then: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then();
  };
  port2.postMessage(undefined);
}

/** What gives a turn here; where nothing does, nothing can be heard either. */
const schedule: ((then: () => void) => unknown) | undefined =
  immediate ?? (typeof MessageChannel === 'undefined' ? undefined : byMessage);

let last = Number.NEGATIVE_INFINITY;

/**
 * Lets the event loop turn once where it has not been let for 50 ms, and else does nothing. Awaited between the pieces of
 * long work, before the signal is looked at: a token, a batch, a step.
 * @example
 * for (const batch of batches) {
 *   await eventTurn();
 *   if (signal?.aborted) throw new StoppedError({ where, what: 'stopped' });
 *   compute(batch);
 * }
 */
export async function eventTurn(): Promise<void> {
  if (schedule === undefined || performance.now() - last < longestMs) return;
  await new Promise<void>((resolve) => schedule(resolve));
  last = performance.now();
}
