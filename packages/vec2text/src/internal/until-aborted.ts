// Waiting for what the user's own code answers: a translator, a reward or an embedder may be a service that never does.
import { StoppedError } from '@gimbal/tensor-core';

/** How long it has to end by itself after the signal, in ms: its weights may be freed once it is left alone. */
const grace = 5000;

/**
 * Waits little longer than the signal lets it.
 * @param asked the answer, or the promise of one; it may still come, or fail, after nobody waits for it any more
 * @throws StoppedError
 */
export async function untilAborted<T>(
  where: string,
  asked: T | Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return asked;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new StoppedError({ where, what: 'stopped by its signal, while no answer came' }));
    wait = () => {
      timer = setTimeout(stop, grace);
    };
    // a signal that came before says so only here
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true });
  });
  try {
    return await Promise.race([asked, stopped]);
  } finally {
    signal.removeEventListener('abort', wait);
    clearTimeout(timer);
  }
}
