/** Means of returns that say how sure they are (Agarwal et al. 2021, arXiv 2108.13264). */
import { ConfigError, checkCount, checkKnown, checkOption, NumericalError, type Rng } from '@gimbal/tensor-core';
import { checkFunction, checkNumbers, checkRng } from '../internal/given.ts';

/**
 * Mean of the middle half: the lowest and highest quarter are left out, with shares of entries at the edges. Where the
 * number of values is no multiple of 4, rliable and scipy's `trim_mean(x, 0.25)` differ: they leave out whole entries.
 * @throws ConfigError for no values; DataError for what is no list; NumericalError for one that is not finite, which has no
 * place in an order
 */
export function interquartileMean(values: readonly number[]): number {
  checkValues('interquartileMean', values);
  const sorted = [...values].sort((a, b) => a - b);
  const cut = sorted.length / 4;
  let [total, weight] = [0, 0];
  for (const [i, x] of sorted.entries()) {
    // the overlap of [i, i + 1] with the middle half
    const w = Math.max(0, Math.min(i + 1, sorted.length - cut) - Math.max(i, cut));
    total += w * x;
    weight += w;
  }
  return total / weight;
}

/**
 * Percentile bootstrap interval of a statistic.
 * @param o.level default .95
 * @throws ConfigError for no values, no resamples or a level outside (0, 1); DataError for what is no list; NumericalError
 * for a value that is not finite
 */
export function bootstrapInterval(
  values: readonly number[],
  statistic: (sample: readonly number[]) => number,
  rng: Rng,
  o: { resamples?: number; level?: number } = {},
): readonly [number, number] {
  const where = 'bootstrapInterval';
  checkValues(where, values);
  checkFunction(`${where}, statistic`, statistic, 'a function of a sample');
  checkRng(`${where}, rng`, rng);
  checkKnown(where, o, ['resamples', 'level']);
  const { resamples = 2000, level = 0.95 } = o;
  checkCount('resamples', resamples);
  checkOption('level', level, level > 0 && level < 1, 'a number in (0, 1)');
  const results = Float64Array.from({ length: resamples }, () =>
    statistic(values.map(() => values[rng.int(values.length)] as number)),
  ).sort();
  const at = (share: number): number => results[Math.min(resamples - 1, Math.floor(share * resamples))] as number;
  return [at((1 - level) / 2), at((1 + level) / 2)];
}

function checkValues(where: string, values: readonly number[]): void {
  checkNumbers(where, values);
  if (values.length === 0) throw new ConfigError({ where, what: 'there are no values' });
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (bad < 0) return;
  throw new NumericalError({ where: `${where}, value ${bad}`, what: 'it is not finite', got: values[bad] });
}

export const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** With n − 1; 0 for one value. */
export function deviationOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((total, x) => total + (x - mean) ** 2, 0) / (values.length - 1));
}
