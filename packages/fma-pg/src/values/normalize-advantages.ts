/**
 * (A − mean)/(std + 1e-8), in float64. One entry alone stays as it is (its deviation does not exist), and equal ones
 * become 0.
 */
export function normalizeAdvantages(advantages: Float32Array): Float32Array {
  const n = advantages.length;
  if (n < 2) return advantages.slice();
  let mean = 0;
  for (const a of advantages) mean += a / n;
  let variance = 0;
  for (const a of advantages) variance += (a - mean) ** 2 / (n - 1);
  const scale = 1 / (Math.sqrt(variance) + 1e-8);
  return advantages.map((a) => (a - mean) * scale);
}

/** 1 − Var(returns − values)/Var(returns): 1 is a perfect value function, 0 one that says nothing. */
export function explainedVariance(values: Float32Array, returns: Float32Array): number {
  const variance = (x: (i: number) => number): number => {
    let [mean, square] = [0, 0];
    for (let i = 0; i < returns.length; i++) mean += x(i) / returns.length;
    for (let i = 0; i < returns.length; i++) square += (x(i) - mean) ** 2 / returns.length;
    return square;
  };
  const total = variance((i) => returns[i] as number);
  return total === 0 ? 0 : 1 - variance((i) => (returns[i] as number) - (values[i] as number)) / total;
}
