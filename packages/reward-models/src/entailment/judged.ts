// A judge's answers, checked before anything is made of them: a judge may be anybody's.
import { DataError } from '@gimbal/tensor-core';
import type { EntailmentJudge } from './judge.ts';

/**
 * What a judge says of pairs: log P(entailment) [B].
 * @throws DataError, naming judge and row, for another number of scores, or one that is above 0 or not finite
 */
export async function judged(
  judge: EntailmentJudge,
  premises: readonly string[],
  hypotheses: readonly string[],
  o: { signal?: AbortSignal } = {},
): Promise<Float32Array> {
  const found = await judge.logProb(premises, hypotheses, o);
  if (found.length !== premises.length) {
    const what = 'it gave another number of scores';
    throw new DataError({ where: `judge ${judge.name}`, what, got: found.length, wanted: premises.length });
  }
  const bad = found.findIndex((p) => !(p <= 0 && p > Number.NEGATIVE_INFINITY));
  if (bad >= 0) {
    throw new DataError({
      where: `judge ${judge.name}, row ${bad}`,
      what: 'no logarithm of a probability',
      got: String(found[bad]),
      wanted: 'a finite number ≤ 0',
    });
  }
  return found;
}
