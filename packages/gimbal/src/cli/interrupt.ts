// Ctrl-C: the first asks the work to stop at a step boundary, the second ends the process.
import type { Output } from './output.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes a terminal's Ctrl-C on to its child, which has it already: two signals this close are one press. */
const sameMomentMs = 400;

/**
 * Watch SIGINT, SIGTERM and SIGHUP (a terminal that was closed) while a command runs.
 * @returns the signal that aborts, and a function that stops watching
 */
export function watchInterrupts(output: Output): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  let first = 0;
  const onSignal = (): void => {
    const now = performance.now();
    if (!controller.signal.aborted) {
      first = now;
      output.note('stopping after this step and saving; press Ctrl-C again to end at once');
      controller.abort();
    } else if (now - first > sameMomentMs) {
      process.exit(130);
    }
  };
  for (const name of signals) process.on(name, onSignal);
  const release = (): void => {
    for (const name of signals) process.off(name, onSignal);
  };
  return { signal: controller.signal, release };
}
