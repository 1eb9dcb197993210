// The learning rate where none is given: what moves a model in a hundred steps and does not break it hangs on its size.
// Measured, share of words with an a, rloo on the newsroom: 138k parameters, 100 steps, .37 before: 1e-5 .39, 3e-4 .70, 1e-3
// .73, 3e-3 .74 (5 nats away); with an adapter of rank 8: 1e-4 .41, this rule's 3e-3 .69. 2.7M, 40 steps, .38 before: 1e-5 .37, 1e-4
// .52, 1e-3 .71. Nothing larger was measured: from 100M up stands what is customary.

/** Bounds: what is customary for models of 100M parameters and more, and for the smallest. */
const [least, most] = [1e-5, 1e-3];
/** parameters of a model for which the least is right; a thousandth of it bears a hundred times as much */
const large = 1e8;

/** an adapter has few parameters, begins at 0, and bears so many times the rate */
const ofAdapter = 10;

/** A rate of 1e-5 (an adapter 1e-4) from 100M parameters up, 1e-3 at 100k and below, and a line in logarithms between. */
export function defaultRate(parameters: number, lora: number): number {
  const rate = Math.min(most, Math.max(least, least * (large / parameters) ** (2 / 3)));
  // two digits, as a person would write it
  return Number((lora > 0 ? Math.min(3 * most, ofAdapter * rate) : rate).toPrecision(2));
}

/** What runs began with that did not write their rate down, before it hung on the size: they go on with no other. */
export const earlierRate = (lora: number): number => (lora > 0 ? 1e-4 : 1e-5);
