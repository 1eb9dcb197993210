// A preference that another process gives: see `askServer`.
import type { PreferenceFn } from '@gimbal/tensor-core';
import { type Answers, askServer, type RemoteOptions } from './ask-server.ts';

const preferences: Answers = {
  name: 'preferences',
  bad: 'no probability',
  each: 'numbers from 0 to 1, how likely a is preferred',
  is: (x) => typeof x === 'number' && x >= 0 && x <= 1,
  where: 'remotePreference',
};

/**
 * P(a ≻ b) by a server: each request is a POST of JSON `{ prompts, a, b, rows? }`, its answer `{ preferences }`, a number from
 * 0 to 1 for each. A pair in one order is asked for once while it is remembered; so `rows` are sent, but do not tell two
 * questions apart.
 * @param url http or https
 * @returns throws DataError for an answer that is none, and, with the last failure as its cause, when all tries have failed
 * @throws ConfigError for another address or options out of range
 * @example new NashMdTrainer({ preference: remotePreference('http://localhost:8000/compare'), … })
 */
export function remotePreference(url: string, o: RemoteOptions = {}): PreferenceFn {
  const ask = askServer(url, o, preferences);
  return (prompts, a, b, rows) => ask({ prompts, a, b }, rows) as Promise<number[]>;
}
