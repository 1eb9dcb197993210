// Ctrl-C: the first asks the work to stop at a step boundary, the second ends the process.
import type { Output } from './output.ts';
import { tellEnd } from './told-end.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes a terminal's Ctrl-C on to its child, which has it already: two signals this close are one press. */
const sameMomentMs = 400;

/** Signals that are watched. */
export interface Interrupts {
  /** aborts at the first */
  readonly signal: AbortSignal;
  /** whether the work keeps what it has when it is stopped (false until the command is known): what a person is told */
  saves: boolean;
  /** whether it waits for a person, who is told nothing: the first signal ends it */
  waits: boolean;
  /** stops watching */
  release(): void;
}

/** Watch SIGINT, SIGTERM and SIGHUP (a terminal that was closed) while a command runs. */
export function watchInterrupts(output: Output): Interrupts {
  const controller = new AbortController();
  let first = 0;
  const onSignal = (): void => {
    const now = performance.now();
    if (!controller.signal.aborted) {
      first = now;
      const saving = watched.saves ? ' and saving' : '';
      if (!watched.waits) output.note(`stopping after this step${saving}; press Ctrl-C again to end at once`);
      controller.abort();
    } else if (now - first > sameMomentMs) {
      tellEnd();
      process.exit(130);
    }
  };
  for (const name of signals) process.on(name, onSignal);
  const release = (): void => {
    for (const name of signals) process.off(name, onSignal);
  };
  const watched: Interrupts = { signal: controller.signal, saves: false, waits: false, release };
  return watched;
}
