// Intervals by resampling (Efron 1979): how far a statistic moves when rows are drawn again from those there are.
import { DataError, type Rng } from '@gimbal/tensor-core';

/** How often is drawn, and how much of the draws the interval holds. */
export interface BootstrapOptions {
  /** Draws (1000). */
  samples?: number;
  /** Of the interval (.95). */
  confidence?: number;
  /** Where the draws come from. */
  rng: Rng;
}

/** A statistic and how far it may be off. */
export interface Interval {
  /** The statistic of all rows. */
  readonly estimate: number;
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
}

/**
 * The percentile interval of a statistic of rows, such as a corpus's BLEU.
 * @param statistic of rows by index
 * @throws DataError without rows
 */
export function bootstrap(
  count: number,
  statistic: (indices: readonly number[]) => number,
  o: BootstrapOptions,
): Interval {
  const { samples = 1000, confidence = 0.95, rng } = o;
  if (count < 1) throw new DataError({ where: 'bootstrap', what: 'there are no rows', wanted: 'at least one' });
  const drawn = Array.from({ length: samples }, () => statistic(Array.from({ length: count }, () => rng.int(count))));
  drawn.sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (samples - 1);
    const low = Math.floor(place);
    const [a, b] = [drawn[low] as number, drawn[Math.min(low + 1, samples - 1)] as number];
    return a + (b - a) * (place - low);
  };
  const estimate = statistic(Array.from({ length: count }, (_, i) => i));
  return { estimate, low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) };
}

/** The interval of a mean. */
export const bootstrapMean = (values: readonly number[], o: BootstrapOptions): Interval =>
  bootstrap(values.length, (indices) => indices.reduce((sum, i) => sum + (values[i] as number), 0) / indices.length, o);
