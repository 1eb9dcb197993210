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

/** out[to…] = P v: P row-major `[n·n]` at `po`, v at `vo`. Four rows at a time: they share v, and do not wait for each other. */
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
  for (let i = 0; i < whole; i += 4) {
    const r0 = po + i * n;
    const [r1, r2, r3] = [r0 + n, r0 + 2 * n, r0 + 3 * n];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let j = 0; j < n; j++) {
      const y = v[vo + j] as number;
      a += (p[r0 + j] as number) * y;
      b += (p[r1 + j] as number) * y;
      c += (p[r2 + j] as number) * y;
      d += (p[r3 + j] as number) * y;
    }
    out[to + i] = a;
    out[to + i + 1] = b;
    out[to + i + 2] = c;
    out[to + i + 3] = d;
  }
  for (let i = whole; i < n; i++) {
    const row = po + i * n;
    let a = 0;
    for (let j = 0; j < n; j++) a += (p[row + j] as number) * (v[vo + j] as number);
    out[to + i] = a;
  }
}

/**
 * As `multiplyAt`, for P with P + Pᵀ = 1 to rounding: reads the entries on and above the diagonal alone, each for two
 * results, since (Pv)_j takes (1 − P_ij) v_i from it. Half the reads, and the reads are what a product costs.
 */
export function multiplyPreferencesAt(
  p: Float64Array,
  po: number,
  v: Float64Array,
  vo: number,
  n: number,
  out: Float64Array,
  to: number,
): void {
  for (let j = to; j < to + n; j++) out[j] = 0;
  const whole = n - (n % 4);
  for (let i = 0; i < whole; i += 4) {
    const r0 = po + i * n;
    const [r1, r2, r3] = [r0 + n, r0 + 2 * n, r0 + 3 * n];
    const x0 = v[vo + i] as number;
    const x1 = v[vo + i + 1] as number;
    const x2 = v[vo + i + 2] as number;
    const x3 = v[vo + i + 3] as number;
    const all = x0 + x1 + (x2 + x3);
    let a = out[to + i] as number;
    let b = out[to + i + 1] as number;
    let c = out[to + i + 2] as number;
    let d = out[to + i + 3] as number;
    // the block on the diagonal, whole
    for (let j = i; j < i + 4; j++) {
      const y = v[vo + j] as number;
      a += (p[r0 + j] as number) * y;
      b += (p[r1 + j] as number) * y;
      c += (p[r2 + j] as number) * y;
      d += (p[r3 + j] as number) * y;
    }
    for (let j = i + 4; j < n; j++) {
      const p0 = p[r0 + j] as number;
      const p1 = p[r1 + j] as number;
      const p2 = p[r2 + j] as number;
      const p3 = p[r3 + j] as number;
      const y = v[vo + j] as number;
      a += p0 * y;
      b += p1 * y;
      c += p2 * y;
      d += p3 * y;
      out[to + j] = (out[to + j] as number) + (all - (p0 * x0 + p1 * x1 + (p2 * x2 + p3 * x3)));
    }
    out[to + i] = a;
    out[to + i + 1] = b;
    out[to + i + 2] = c;
    out[to + i + 3] = d;
  }
  // at most three rows are left
  for (let i = whole; i < n; i++) {
    for (let j = whole; j < n; j++)
      out[to + i] = (out[to + i] as number) + (p[po + i * n + j] as number) * (v[vo + j] as number);
  }
}

/** Whether P + Pᵀ = 1 to rounding, in each of the matrices `[n·n]` of p. */
export function isComplementary(p: Float64Array, n: number): boolean {
  for (let po = 0; po < p.length; po += n * n) {
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++)
        if (Math.abs((p[po + i * n + j] as number) + (p[po + j * n + i] as number) - 1) > 2 ** -52) return false;
  }
  return true;
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
