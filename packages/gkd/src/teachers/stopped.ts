/** What a signal stops, whoever tells of it. */
import { StoppedError } from '@gimbal/tensor-core';

/**
 * Runs what may hand the signal on, to `fetch` for example, which then throws an error of its own: it is a StoppedError
 * here, so that a loop ends as it does when its own work is stopped. Any other error stays.
 */
export async function stoppedBy<T>(signal: AbortSignal | undefined, where: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const ofSignal = error === signal?.reason || (error as { name?: string } | undefined)?.name === 'AbortError';
    if (!signal?.aborted || !ofSignal) throw error;
    throw new StoppedError({ where, what: 'the signal stopped it' });
  }
}
