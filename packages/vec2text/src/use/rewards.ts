// What a reward function of the user's answered.
import { refusal } from '../internal/refuse.ts';

/**
 * Rewards as numbers; a missing one is −∞, so that it comes last.
 * @throws ShapeError (`SHAPE`) for another number than of texts; NumericalError (`NOT_FINITE`) naming the text
 */
export function checkedRewards(rewards: ArrayLike<number | null>, texts: readonly string[]): number[] {
  const where = 'vec2text: reward';
  if (rewards?.length !== texts.length)
    throw refusal('SHAPE', { where, what: 'not one reward a text', got: rewards?.length, wanted: texts.length });
  // no map: it goes past the holes of a list, and of a typed array makes another
  return Array.from(rewards, (r, i) => {
    if (r === null) return Number.NEGATIVE_INFINITY;
    if (Number.isFinite(r)) return r;
    throw refusal('NOT_FINITE', {
      where,
      what: `of text ${i}, ‘${texts[i]}’`,
      got: r,
      wanted: 'a finite number or null',
    });
  });
}
