// Changes to the logits before a token is drawn, in JavaScript: what cannot be said by a temperature or a threshold.
// The same as transformers' classes of these names, row by row.
import { ConfigError } from '@gimbal/tensor-core';

/** What a row holds when its next token is about to be drawn. */
export interface RowSoFar {
  /** Which row of the batch. */
  readonly row: number;
  /** Its tokens so far, the prompt's first (of an encoder-decoder: the decoder's alone). Not to be changed. */
  readonly ids: readonly number[];
}

/**
 * Changes one row's logits [V] in place: −∞ forbids a token. In a beam search they are log-probabilities.
 */
export type LogitsProcessor = (logits: Float32Array, soFar: RowSoFar) => void;

/**
 * Divides positive logits, and multiplies negative ones, of every token that the row holds already.
 * @param penalty > 1 makes repetition less likely
 * @throws ConfigError for a penalty that is not a number > 0
 */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  if (!(penalty > 0 && Number.isFinite(penalty))) {
    throw new ConfigError({ where: 'repetitionPenalty', what: 'out of range', got: penalty, wanted: 'a number > 0' });
  }
  return (logits, { ids }) => {
    for (const id of new Set(ids)) {
      const logit = logits[id];
      if (logit !== undefined) logits[id] = logit > 0 ? logit / penalty : logit * penalty;
    }
  };
}

/**
 * Forbids the token that would end a sequence of `size` tokens which the row holds already.
 * @throws ConfigError for a size that is not a whole number ≥ 1
 */
export function noRepeatNgrams(size: number): LogitsProcessor {
  if (!(Number.isSafeInteger(size) && size >= 1)) {
    throw new ConfigError({ where: 'noRepeatNgrams', what: 'bad size', got: size, wanted: 'a whole number ≥ 1' });
  }
  return (logits, { ids }) => {
    const last = ids.length - size + 1; // where the sequence that is about to end begins
    for (let at = 0; at < last; at++) {
      let i = 0;
      while (i < size - 1 && ids[at + i] === ids[last + i]) i++;
      if (i === size - 1) logits[ids[at + i] as number] = Number.NEGATIVE_INFINITY;
    }
  };
}

/**
 * Constrains what is written: only the tokens that `allowed` names for a row can come next.
 * @param allowed called before each token; at least one id of the vocabulary
 * @example
 * const yesOrNo = allowTokens(() => [tokenizer.id('yes') as number, tokenizer.id('no') as number]);
 */
export function allowTokens(allowed: (soFar: RowSoFar) => Iterable<number>): LogitsProcessor {
  return (logits, soFar) => {
    const kept = [...allowed(soFar)].map((id) => [id, logits[id]] as const);
    logits.fill(Number.NEGATIVE_INFINITY);
    for (const [id, logit] of kept) {
      if (logit !== undefined) logits[id] = logit;
    }
  };
}
