// Short names of what a run reads, so that a resumed one is told when it was exchanged.
import type { Tokenizer } from '@gimbal/language-models';
import { hashWords } from '@gimbal/tensor-core';

/** Of token rows, in their order. */
export function rowsName(rows: Iterable<Iterable<number>>): string {
  const words = function* (): Generator<number> {
    for (const row of rows) {
      yield* row;
      yield -1; // no token: rows that are parted elsewhere are others
    }
  };
  return hashWords(words());
}

/** Of a tokenizer's tokens by their ids; how it parts texts shows in their rows. */
export function tokensName(tokenizer: Tokenizer): string {
  const words = function* (): Generator<number> {
    for (let id = 0; id < tokenizer.size; id++) {
      const token = tokenizer.token(id) ?? '';
      for (let i = 0; i < token.length; i++) yield token.charCodeAt(i);
      yield -1;
    }
  };
  return hashWords(words());
}
