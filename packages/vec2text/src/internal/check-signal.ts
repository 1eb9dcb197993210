// What asks to stop, before anything is started that it is to stop.
import { refusal } from './refuse.ts';

/** @throws ConfigError (`CONFIG`) for what is no signal: a controller in its place would never stop anything */
export function checkSignal(where: string, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function') return;
  const got = signal === null ? 'null' : typeof signal;
  const wanted = 'an AbortSignal, such as controller.signal';
  throw refusal('CONFIG', { where: `${where}.signal`, what: 'no signal', got, wanted });
}
