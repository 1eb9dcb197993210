// Every completion of a small vocabulary, and a language model that is a table of logits, in float64: what expectations
// over sampled completions are exactly.

/** All rows of `length` numbers below `base`, in the order of counting. */
export const allRows = (base: number, length: number): number[][] =>
  Array.from({ length: base ** length }, (_, code) =>
    Array.from({ length }, (_, t) => Math.floor(code / base ** (length - 1 - t)) % base),
  );

/** log softmax of each row of a table `[rows · V]`. */
export function logRows(z: Float64Array, V: number): Float64Array {
  const out = new Float64Array(z.length);
  for (let r = 0; r < z.length; r += V) {
    let most = Number.NEGATIVE_INFINITY;
    for (let v = 0; v < V; v++) most = Math.max(most, z[r + v] as number);
    let sum = 0;
    for (let v = 0; v < V; v++) sum += Math.exp((z[r + v] as number) - most);
    for (let v = 0; v < V; v++) out[r + v] = (z[r + v] as number) - most - Math.log(sum);
  }
  return out;
}

/** Central differences of `f` at `z`. */
export function gradientOf(f: (z: Float64Array) => number, z: Float64Array, h = 1e-5): Float64Array {
  return z.map((x, i) => {
    const [up, down] = [z.slice(), z.slice()];
    up[i] = x + h;
    down[i] = x - h;
    return (f(up) - f(down)) / (2 * h);
  });
}

/** ‖a − b‖ / ‖b‖ */
export const relativeError = (a: Float64Array, b: Float64Array): number =>
  Math.hypot(...a.map((x, i) => x - (b[i] as number))) / Math.hypot(...b);
