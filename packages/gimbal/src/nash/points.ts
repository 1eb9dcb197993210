/** A difference of probabilities with three decimals, so that a column of them lines up; what rounding left is 0. */
export const points = (n: number): string => (Math.abs(n) < 5e-4 ? 0 : n).toFixed(3);
