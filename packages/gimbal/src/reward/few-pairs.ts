// How many pairs are too few: one rule for gimbal align, which refuses them, and for gimbal reward and gimbal warm, which warn.
import { counted } from '../cli/format.ts';

/** Of fewer, a tenth to be measured on is a single pair: what is measured is right or wrong, and says nothing. */
export const fewestPairs = 16;

/** A sentence where there are too few rows to learn from and to be measured on; undefined where there are enough. */
export function toldFew(rows: number, noun = 'pair'): string | undefined {
  if (rows >= fewestPairs) return undefined;
  return `${counted(rows, noun)} in all: too few to learn from and to be measured on, at least ${fewestPairs} are wanted (gimbal align refuses fewer)`;
}
