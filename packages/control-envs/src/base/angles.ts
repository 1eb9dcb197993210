/** An angle in [−π, π). */
export const wrapAngle = (x: number): number => mod(x + Math.PI, 2 * Math.PI) - Math.PI;

/** Remainder with the divisor's sign, as Python's %. */
const mod = (x: number, n: number): number => {
  const r = x % n;
  return r < 0 ? r + n : r;
};

export const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
