// The regularised incomplete beta function and its inverse, for exact binomial intervals.
import { normalQuantile } from './normal-quantile.ts';

/**
 * log Γ(x) − ((x − ½) log x − x + ½ log 2π), x > 0: what Stirling's formula leaves, small for large x. Its series from 8 on;
 * below, Γ(x) = Γ(x + 1)/x until it is there.
 */
function stirlingRest(x: number): number {
  if (x < 8) return stirlingRest(x + 1) + x * Math.log1p(1 / x) + Math.log1p(1 / x) / 2 - 1;
  const w = 1 / (x * x);
  return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * (691 / 360360 - w / 156)))))) / x;
}

/** log(x/m) − u ≤ 0, u = x/m − 1; by its series near 0, where nothing of the difference would be left. */
function logRest(x: number, m: number, u: number): number {
  if (Math.abs(u) > 0.5) return Math.log(x / m) - u; // near −1 the digits of a small x are not in u
  if (Math.abs(u) > 1e-3) return Math.log1p(u) - u;
  return -u * u * (1 / 2 - u * (1 / 3 - u * (1 / 4 - u * (1 / 5 - u * (1 / 6 - u / 7)))));
}

/**
 * x^a (1 − x)^b / (a B(a, b)), a, b > 0, 0 < x < 1. With x₀ = a/(a + b) and Stirling's formula it is
 * √(b/(2πa(a + b))) (x/x₀)^a ((1 − x)/(1 − x₀))^b e^rest, and the logarithms of the two powers, each of the size of a, are
 * opposite but for a square of x − x₀: so it is exact for the largest counts too.
 */
function front(a: number, b: number, x: number): number {
  const mean = a / (a + b);
  const apart = x - mean;
  const powers = a * logRest(x, mean, apart / mean) + b * logRest(1 - x, b / (a + b), (-apart * (a + b)) / b);
  const rest = stirlingRest(a + b) - stirlingRest(a) - stirlingRest(b);
  return Math.sqrt(b / (2 * Math.PI * a * (a + b))) * Math.exp(powers + rest);
}

/** I_x(a, b) = x^a (1 − x)^b / (a B(a, b)) Σ_n x^n (a + b)…(a + b + n − 1)/((a + 1)…(a + n)): all terms are positive. */
function series(a: number, b: number, x: number): number {
  let [sum, term] = [1, 1];
  for (let n = 0; ; n++) {
    const ratio = ((a + b + n) * x) / (a + 1 + n);
    term *= ratio;
    sum += term;
    if (sum > 1e280) return 1; // far beyond the mean: the other side is below 1e-270
    // the ratios fall: what is left is less than a geometric series
    if (ratio < 1 && term < 1e-17 * sum * (1 - ratio)) return front(a, b, x) * sum;
  }
}

/** I_x(a, b) and 1 − I_x(a, b), a, b > 0: by the series of the shorter side; of the smallest x nothing is in 1 − x. */
function incompleteBeta(a: number, b: number, x: number): [below: number, above: number] {
  if (x <= 0) return [0, 1];
  if (x >= 1) return [1, 0];
  const isShort = x <= 0.1 || x <= (a + 1) / (a + b + 2);
  const tail = isShort ? series(a, b, x) : series(b, a, 1 - x);
  return isShort ? [tail, 1 - tail] : [1 - tail, tail];
}

/**
 * The x with I_x(a, b) = p, or with side 'above' 1 − I_x(a, b) = p, for a not much above b. By halving, exact to the last bits. Where both are above a million, by the
 * expansion of Cornish and Fisher in the skewness and the kurtosis: within 1e-8 of the distance to the mean, at once where
 * the series would have √a terms at each halving.
 */
export function inverseIncompleteBeta(a: number, b: number, p: number, side: 'below' | 'above' = 'below'): number {
  if (Math.min(a, b) > 1e6) return expanded(a, b, side === 'below' ? normalQuantile(p) : -normalQuantile(p));
  let [low, high] = [0, 1];
  for (let k = 0; k < 1200 && high - low > 1e-16 * high; k++) {
    const middle = (low + high) / 2;
    const [below, above] = incompleteBeta(a, b, middle);
    if (side === 'below' ? below < p : above > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function expanded(a: number, b: number, z: number): number {
  const n = a + b;
  const deviation = Math.sqrt((a / n) * (b / n)) / Math.sqrt(n + 1);
  const skew = ((2 * (b - a)) / (n + 2)) * Math.sqrt((n + 1) / a / b);
  const kurtosis = (6 * ((((b - a) / a) * ((b - a) / b) * (n + 1)) / (n + 2) - 1)) / (n + 3);
  const w = z + (skew * (z * z - 1)) / 6 + (kurtosis * z * (z * z - 3)) / 24 - (skew * skew * z * (2 * z * z - 5)) / 36;
  return a / n + deviation * w;
}
