// What is done with advantages and values before and after learning.
import { NumericalError, ShapeError } from '@gimbal/tensor-core';
import { checkNumbers } from '../internal/given.ts';

/**
 * (A − mean)/(std + 1e-8), in float64. One entry alone stays as it is (its deviation does not exist), and equal ones
 * become 0.
 * @param given written and returned; default a new array
 * @throws NumericalError for an advantage that is not finite: it would make all of them NaN; DataError for what is no list;
 * ShapeError for an array to write to that is no typed one of their length
 */
export function normalizeAdvantages(advantages: Float32Array, given?: Float32Array): Float32Array {
  const where = 'normalizeAdvantages';
  checkNumbers(where, advantages);
  const n = advantages.length;
  const out = given ?? new Float32Array(n);
  if (!ArrayBuffer.isView(out) || out.length !== n) {
    const got = (out as { length?: unknown }).length;
    throw new ShapeError({ where: `${where}, out`, what: 'it has not their length', got, wanted: `${n} floats` });
  }
  const bad = advantages.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    throw new NumericalError({
      where: `${where}, entry ${bad}`,
      what: 'the advantage is not finite',
      got: advantages[bad],
      fix: 'Rewards are too large for float32, or the values have diverged: scale the rewards, or lower the learning rate',
    });
  }
  if (n < 2) {
    out.set(advantages);
    return out;
  }
  let mean = 0;
  for (let i = 0; i < n; i++) mean += (advantages[i] as number) / n;
  let variance = 0;
  for (let i = 0; i < n; i++) variance += ((advantages[i] as number) - mean) ** 2 / (n - 1);
  const scale = 1 / (Math.sqrt(variance) + 1e-8);
  for (let i = 0; i < n; i++) out[i] = ((advantages[i] as number) - mean) * scale;
  return out;
}

/** 1 − Var(returns − values)/Var(returns): 1 is a perfect value function, 0 one that says nothing. */
export function explainedVariance(values: Float32Array, returns: Float32Array): number {
  const variance = (x: (i: number) => number): number => {
    // from the first one on: equal ones have the variance 0, not that of rounding
    const first = x(0);
    let [mean, square] = [0, 0];
    for (let i = 0; i < returns.length; i++) mean += (x(i) - first) / returns.length;
    for (let i = 0; i < returns.length; i++) square += (x(i) - first - mean) ** 2 / returns.length;
    return square;
  };
  const total = variance((i) => returns[i] as number);
  return total === 0 ? 0 : 1 - variance((i) => (returns[i] as number) - (values[i] as number)) / total;
}
