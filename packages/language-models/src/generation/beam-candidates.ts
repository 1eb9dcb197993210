// What a beam search goes on with: the best continuations of several rows by one token.
import { NumericalError } from '@gimbal/tensor-core';
import type { EndReason } from './completion.ts';

/** A completion that goes on. */
export interface Hypothesis {
  readonly ids: readonly number[];
  /** log p of each token under the model, in nats. */
  readonly logProbs: readonly number[];
  /** Σ of the scores that were searched by: the log-probabilities after the processors. */
  readonly sum: number;
  /** Which of the prompt's rows it continues. */
  readonly parent: number;
}

/** A completion that a beam search found. */
export interface Beam {
  /** Its tokens, the end token included. */
  readonly ids: readonly number[];
  /** log p of each token under the model, in nats. */
  readonly logProbs: readonly number[];
  /** What it was ranked by: Σ log p / length^lengthPenalty. */
  readonly score: number;
  /** Why it ends there. */
  readonly end: EndReason;
}

/**
 * The `count` best continuations of rows by one token, the best first; among equals the first row and token.
 * @throws NumericalError for a score that is not a number
 */
export function candidates(
  rows: readonly Hypothesis[],
  scored: readonly { raw: Float32Array; scores: Float32Array }[],
  count: number,
): Hypothesis[] {
  const best: { sum: number; row: number; id: number }[] = [];
  scored.forEach(({ scores }, row) => {
    const before = (rows[row] as Hypothesis).sum;
    let least = best.length < count ? Number.NEGATIVE_INFINITY : (best.at(-1)?.sum as number);
    for (let id = 0; id < scores.length; id++) {
      const sum = before + (scores[id] as number);
      if (Number.isNaN(sum)) {
        const what = 'the score of a token is not a number';
        throw new NumericalError({
          where: `beam search, token ${id}`,
          what,
          fix: 'Check the weights and the processors',
        });
      }
      if (sum === Number.NEGATIVE_INFINITY || (sum <= least && best.length >= count)) continue;
      let at = best.length;
      while (at > 0 && sum > (best[at - 1]?.sum as number)) at--;
      best.splice(at, 0, { sum, row, id });
      if (best.length > count) best.pop();
      if (best.length === count) least = best.at(-1)?.sum as number;
    }
  });
  return best.map(({ sum, row, id }) => {
    const { ids, logProbs } = rows[row] as Hypothesis;
    const logProb = scored[row]?.raw[id] as number;
    return { ids: [...ids, id], logProbs: [...logProbs, logProb], sum, parent: row };
  });
}

/** Puts a beam where its score belongs, behind its equals, and drops the worst beyond `most`. */
export function insertBeam(beams: Beam[], beam: Beam, most: number): void {
  const at = beams.findIndex(({ score }) => beam.score > score);
  beams.splice(at < 0 ? beams.length : at, 0, beam);
  if (beams.length > most) beams.pop();
}
