// Proxy against true reward over KL (Gao et al., arXiv 2210.10760): where the truth turns while the proxy still rises.
import { distinctN } from '@gimbal/language-models';
import { ConfigError, DataError } from '@gimbal/tensor-core';

/** A point of a run, or of best-of-n. */
export interface ProxyPoint {
  /** From the start, in nats. */
  readonly kl: number;
  /** The reward that is optimised. */
  readonly proxy: number;
  /** The reward that is meant. */
  readonly gold: number;
}

/** Where a run turned to hacking. */
export interface OverOptimisation<P extends ProxyPoint = ProxyPoint> {
  /** The point with the highest gold. */
  readonly peak: P;
  /** The last point. */
  readonly last: P;
  /** Gold at the peak less gold at the end, ≥ 0. */
  readonly drop: number;
  /** Gold fell after its peak while the proxy did not. */
  readonly hacked: boolean;
}

/**
 * Finds the turn.
 * @param points in the order of the run
 * @param o.smooth mean of so many neighbouring points, to look through the noise of batches: odd (1)
 * @throws ConfigError for a window that is no odd count, DataError without points or for one that has no numbers
 */
export function overOptimisation<P extends ProxyPoint>(
  points: readonly P[],
  o: { smooth?: number } = {},
): OverOptimisation<P> {
  const { smooth = 1 } = o;
  if (!(Number.isSafeInteger(smooth) && smooth >= 1 && smooth % 2 === 1)) {
    const wanted = 'an odd whole number ≥ 1';
    throw new ConfigError({ where: 'overOptimisation.smooth', what: 'no window', got: smooth, wanted });
  }
  if (points.length === 0) throw new DataError({ where: 'overOptimisation', what: 'there are no points' });
  const bad = points.findIndex(({ proxy, gold }) => !Number.isFinite(proxy + gold));
  if (bad >= 0) {
    const { proxy, gold } = points[bad] as P;
    const got = `proxy ${proxy}, gold ${gold}`;
    throw new DataError({ where: `overOptimisation, point ${bad}`, what: 'a reward is no number', got });
  }
  const side = Math.floor(smooth / 2);
  const near = (at: number, of: 'proxy' | 'gold'): number => {
    const some = points.slice(Math.max(0, at - side), at + side + 1);
    return some.reduce((sum, p) => sum + p[of], 0) / some.length;
  };
  const nowhere = points.findIndex(({ kl }) => !Number.isFinite(kl));
  if (nowhere >= 0) {
    const got = String(points[nowhere]?.kl);
    throw new DataError({ where: `overOptimisation, point ${nowhere}`, what: 'its KL is no number', got });
  }
  const golds = points.map((_, i) => near(i, 'gold'));
  const end = points.length - 1;
  const at = golds.indexOf(Math.max(...golds));
  const drop = (golds[at] as number) - (golds[end] as number);
  return {
    peak: points[at] as P,
    last: points[end] as P,
    drop,
    hacked: drop > 0 && near(end, 'proxy') >= near(at, 'proxy'),
  };
}

/** How answers changed. */
export interface DriftReport {
  /** Mean words before and after. */
  readonly length: readonly [before: number, after: number];
  /** Share of different word pairs among all, before and after. */
  readonly distinct2: readonly [before: number, after: number];
  /** Share of answers that another prompt got as well, before and after. */
  readonly repeated: readonly [before: number, after: number];
  /** Share of answers without a word, before and after. */
  readonly empty: readonly [before: number, after: number];
}

/** Length, diversity and repetition of a policy's answers before and after training, on the same prompts. */
export function driftReport(before: readonly string[], after: readonly string[]): DriftReport {
  const both = (f: (texts: readonly string[]) => number): readonly [number, number] => [f(before), f(after)];
  const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;
  const mean = (texts: readonly string[], f: (text: string) => number): number =>
    texts.reduce((sum, text) => sum + f(text), 0) / Math.max(texts.length, 1);
  return {
    length: both((texts) => mean(texts, words)),
    distinct2: both((texts) => distinctN(texts, 2)),
    repeated: both((texts) => {
      const counts = new Map<string, number>();
      for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
      return mean(texts, (text) => Number((counts.get(text) ?? 0) > 1));
    }),
    empty: both((texts) => mean(texts, (text) => Number(words(text) === 0))),
  };
}
