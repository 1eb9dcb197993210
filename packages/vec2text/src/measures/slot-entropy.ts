// How evenly the slots of meanings are filled, beside those of the rows.
import { jackknife } from './jackknife.ts';
import type { Measure } from './measure.ts';

type Slots = readonly (number | string)[];

/**
 * Mean over slots of their entropy / that in the rows, of slots that vary there, with its jackknife: rows drawn again have
 * fewer values, and less entropy. As every entropy of counts it is lower the fewer samples there are.
 * @param found slots of the meanings of samples, two or more
 * @param ofRows those of the rows
 * @returns nothing where no slot varies in the rows
 */
export function slotEntropyRatio(found: readonly Slots[], ofRows: readonly Slots[]): Measure | undefined {
  const [n, wanted] = [found.length, slotEntropies(ofRows)];
  const varied = [...wanted.keys()].filter((slot) => (wanted[slot] as number) > 0);
  if (varied.length === 0) return undefined;
  const entropies = slotEntropies(found);
  const value =
    varied.reduce((sum, slot) => sum + (entropies[slot] ?? 0) / (wanted[slot] as number), 0) / varied.length;
  const without = new Array<number>(n).fill(0);
  for (const slot of varied) {
    const counts = countsOf(found, slot);
    // n − 1 rows, of which those like the one left out are one fewer: H = log m − Σ c log c / m
    const sum = [...counts.values()].reduce((all, c) => all + cLogC(c), 0);
    found.forEach((row, i) => {
      const c = counts.get(row[slot] as string) as number;
      const entropy = Math.log(n - 1) - (sum - cLogC(c) + cLogC(c - 1)) / (n - 1);
      without[i] = (without[i] as number) + entropy / (wanted[slot] as number) / varied.length;
    });
  }
  return jackknife(value, without, [0, Number.POSITIVE_INFINITY]);
}

const cLogC = (c: number): number => (c === 0 ? 0 : c * Math.log(c));

function countsOf(rows: readonly Slots[], slot: number): Map<number | string, number> {
  const counts = new Map<number | string, number>();
  for (const row of rows) counts.set(row[slot] as string, (counts.get(row[slot] as string) ?? 0) + 1);
  return counts;
}

/** Entropy of each slot's values, in nats. */
export function slotEntropies(rows: readonly Slots[]): number[] {
  const n = rows.length;
  return Array.from({ length: rows[0]?.length ?? 0 }, (_, slot) =>
    [...countsOf(rows, slot).values()].reduce((h, count) => h - (count / n) * Math.log(count / n), 0),
  );
}
