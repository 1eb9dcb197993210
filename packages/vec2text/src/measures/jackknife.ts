// Intervals of what a row has no share in of its own: n-grams, entropies, texts scored against each other.
import type { Measure } from './measure.ts';

/**
 * The jackknife's interval (Efron & Stein 1981): 1.96 standard errors from leaving each row out once, around the value of
 * all. It tells how far the value of as many other rows would lie. Rows drawn again would be repeated, so that what counts
 * repetitions comes out lower than the value that they are to surround.
 * @param without the value where each row is left out
 */
export function jackknife(
  value: number,
  without: readonly number[],
  [least, most]: readonly [number, number],
): Measure {
  const n = without.length;
  const mean = without.reduce((sum, x) => sum + x / n, 0);
  const error = Math.sqrt(((n - 1) / n) * without.reduce((sum, x) => sum + (x - mean) ** 2, 0));
  return { value, ci: [Math.max(least, value - 1.96 * error), Math.min(most, value + 1.96 * error)], n };
}
