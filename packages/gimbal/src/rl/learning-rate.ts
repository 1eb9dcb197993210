// The learning rate where none is given: what moves a model in a hundred steps and does not break it hangs on its size.

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
