// Float64 vectors and matrices at an offset of a larger array: no allocation, so that they serve in loops.

/**
 * The logarithm of probability 0. Finite, so that 0 · log 0 is 0 and a weighted sum of two of them is no NaN; far enough
 * down that nothing finite added to it brings the action back.
 */
export const logZero = -1e300;

/** log p, and `logZero` where p is 0. */
export const logOf = (p: number): number => (p > 0 ? Math.log(p) : logZero);

/** out[o…] = softmax(x[o…]) over n entries; subtracts the largest from x in place, which softmax does not see. */
export function softmaxAt(x: Float64Array, o: number, n: number, out: Float64Array, to: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) if ((x[o + i] as number) > most) most = x[o + i] as number;
  let total = 0;
  for (let i = 0; i < n; i++) {
    const z = (x[o + i] as number) - most;
    x[o + i] = z;
    const e = Math.exp(z);
    out[to + i] = e;
    total += e;
  }
  const scale = 1 / total;
  for (let i = 0; i < n; i++) out[to + i] = (out[to + i] as number) * scale;
}

/** softmax(x), a new array; x stays. */
export function softmax(x: Float64Array): Float64Array {
  const out = new Float64Array(x.length);
  softmaxAt(x.slice(), 0, x.length, out, 0);
  return out;
}

/** log Σ w exp x, without overflow; entries with w = 0 do not count. */
export function logSumExp(w: Float64Array, x: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) if ((w[i] as number) > 0) most = Math.max(most, x[i] as number);
  let total = 0;
  for (let i = 0; i < x.length; i++)
    if ((w[i] as number) > 0) total += (w[i] as number) * Math.exp((x[i] as number) - most);
  return most + Math.log(total);
}

/** out[to…] = P v: P row-major `[n·n]` at `po`, v at `vo`. Four sums, so that they do not wait for each other. */
export function multiplyAt(
  p: Float64Array,
  po: number,
  v: Float64Array,
  vo: number,
  n: number,
  out: Float64Array,
  to: number,
): void {
  const whole = n - (n % 4);
  for (let i = 0; i < n; i++) {
    const row = po + i * n;
    let [a, b, c, d] = [0, 0, 0, 0];
    let j = 0;
    for (; j < whole; j += 4) {
      a += (p[row + j] as number) * (v[vo + j] as number);
      b += (p[row + j + 1] as number) * (v[vo + j + 1] as number);
      c += (p[row + j + 2] as number) * (v[vo + j + 2] as number);
      d += (p[row + j + 3] as number) * (v[vo + j + 3] as number);
    }
    for (; j < n; j++) a += (p[row + j] as number) * (v[vo + j] as number);
    out[to + i] = a + b + (c + d);
  }
}

/** P v, a new array. */
export function multiply(p: Float64Array, v: Float64Array): Float64Array {
  const out = new Float64Array(v.length);
  multiplyAt(p, 0, v, 0, v.length, out, 0);
  return out;
}

/** Σ u v */
export function dot(u: Float64Array, v: Float64Array): number {
  let total = 0;
  for (let i = 0; i < u.length; i++) total += (u[i] as number) * (v[i] as number);
  return total;
}

/** The index of the largest entry; the first of several. */
export function argMax(x: Float64Array, o = 0, n = x.length): number {
  let best = 0;
  for (let i = 1; i < n; i++) if ((x[o + i] as number) > (x[o + best] as number)) best = i;
  return best;
}

/** The largest absolute value. */
export function largest(x: Float64Array): number {
  let most = 0;
  for (const v of x) most = Math.max(most, Math.abs(v));
  return most;
}
