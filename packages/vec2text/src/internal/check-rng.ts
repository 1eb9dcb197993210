// A stream of chance, before it is drawn from.
import type { Rng } from '@gimbal/tensor-core';
import { refusal } from './refuse.ts';

/** @throws ConfigError (`CONFIG`) for what is no stream */
export function checkRng(where: string, stream: Rng | undefined): asserts stream is Rng {
  const needed = ['normal', 'uniform', 'split', 'state'] as const;
  if (needed.every((name) => typeof stream?.[name] === 'function')) return;
  const got = stream === null ? 'null' : typeof stream;
  throw refusal('CONFIG', { where, what: 'no stream of chance', got, wanted: 'rng: rng(seed)' });
}
