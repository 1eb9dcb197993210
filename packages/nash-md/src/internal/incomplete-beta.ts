// The regularised incomplete beta function and its inverse, for exact binomial intervals.

/** log Γ(x), x > 0: shifted to x ≥ 8, then Stirling's series; relative error about 1e-15. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 8) {
    shift += Math.log(z);
    z += 1;
  }
  const w = 1 / (z * z);
  const series =
    (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * (691 / 360360 - w / 156)))))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** I_x(a, b), a, b > 0, 0 ≤ x ≤ 1: by its continued fraction, on the side where that converges fast. */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  return front * fraction(a, b, x);
}

/**
 * 1/(1 + d₁/(1 + d₂/(1 + …))), from the back:
 *   d_2m = m(b − m)x / ((a + 2m − 1)(a + 2m)),   d_2m+1 = −(a + m)(a + b + m)x / ((a + 2m)(a + 2m + 1))
 * It takes about √max(a, b) terms.
 */
function fraction(a: number, b: number, x: number): number {
  let value = 1;
  for (let m = 30 + Math.ceil(5 * Math.sqrt(Math.max(a, b))); m >= 0; m--) {
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    value = 1 + odd / value;
    if (m > 0) value = 1 + (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)) / value;
  }
  return 1 / value;
}

/** The x with I_x(a, b) = p, by halving; exact to the last bits. */
export function inverseIncompleteBeta(a: number, b: number, p: number): number {
  let [low, high] = [0, 1];
  for (let k = 0; k < 200 && high - low > 1e-16 * high; k++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(a, b, middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
