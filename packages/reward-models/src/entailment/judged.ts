// A judge's answers, checked before anything is made of them: a judge may be anybody's.
import { DataError } from '@gimbal/tensor-core';
import type { EntailmentJudge } from './judge.ts';

/**
 * What a judge says of pairs: log P(entailment) [B].
 * @param o.abstaining what the judge abstains on is NaN in the answer (false: it is refused)
 * @throws DataError, naming judge and row, for another number of scores, or one that is above 0 or not finite
 */
export async function judged(
  judge: EntailmentJudge,
  premises: readonly string[],
  hypotheses: readonly string[],
  { abstaining = false, ...o }: { signal?: AbortSignal; abstaining?: boolean } = {},
): Promise<Float32Array> {
  const abstains = judge.abstains === true;
  const found = await judge.logProb(premises, hypotheses, o);
  if (!ArrayBuffer.isView(found) && !Array.isArray(found)) {
    const wanted = `a list of ${premises.length} numbers`;
    throw new DataError({ where: `judge ${judge.name}`, what: 'it gave no list of scores', got: found, wanted });
  }
  if (found.length !== premises.length) {
    const what = 'it gave another number of scores';
    throw new DataError({ where: `judge ${judge.name}`, what, got: found.length, wanted: premises.length });
  }
  const isJudgement = (p: unknown): boolean => typeof p === 'number' && p <= 0 && p > Number.NEGATIVE_INFINITY;
  const bad = Array.from<unknown>(found).findIndex(
    (p) => !(isJudgement(p) || (abstains && abstaining && Number.isNaN(p as number))),
  );
  if (bad >= 0) {
    if (abstains && Number.isNaN(found[bad] as number)) {
      const fix = 'Leave the row out, or shorten it';
      throw new DataError({ where: `judge ${judge.name}, row ${bad}`, what: 'the judge abstains', fix });
    }
    throw new DataError({
      where: `judge ${judge.name}, row ${bad}`,
      what: 'no logarithm of a probability',
      got: String(found[bad]),
      wanted: 'a finite number ≤ 0',
    });
  }
  return found;
}
