/** Rows of logits and their probabilities, in place, `[S·A]`. */

/** z − log Σ exp z, row by row. */
export function logSoftmaxRows(z: Float64Array, A: number, out: Float64Array): Float64Array {
  for (let at = 0; at < z.length; at += A) {
    let most = Number.NEGATIVE_INFINITY;
    for (let a = 0; a < A; a++) most = Math.max(most, z[at + a] as number);
    let total = 0;
    for (let a = 0; a < A; a++) total += Math.exp((z[at + a] as number) - most);
    const shift = most + Math.log(total);
    for (let a = 0; a < A; a++) out[at + a] = (z[at + a] as number) - shift;
  }
  return out;
}

/** exp, element by element. */
export function expInto(x: Float64Array, out: Float64Array): Float64Array {
  for (let i = 0; i < x.length; i++) out[i] = Math.exp(x[i] as number);
  return out;
}
