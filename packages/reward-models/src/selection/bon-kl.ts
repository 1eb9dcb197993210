// How far best-of-N moves from the policy it samples, in nats.
import { ConfigError, DataError } from '@gimbal/tensor-core';

/**
 * log n − (n − 1)/n: KL(best-of-n ‖ policy) where no two answers tie and each is rare; else an upper bound (Beirami et al.,
 * arXiv 2401.01879).
 * @param n ≥ 1; 1 gives 0
 * @throws ConfigError for another n
 */
export function bonKl(n: number): number {
  checkCount('bonKl.n', n);
  return Math.log(n) - (n - 1) / n;
}

/**
 * An estimate of KL(best-of-n ‖ policy) that sees likely answers (Beirami et al., arXiv 2401.01879): the mean over picks,
 * of which each has probability ε under the policy, of
 *   (1−ε)ⁿ (log n + (n−1) log(1−ε) − (n−1)/n) + (1 − (1−ε)ⁿ) log((1 − (1−ε)ⁿ) / ε)
 * It is `bonKl(n)` for ε → 0 and 0 for ε = 1.
 * @param logProbs log ε of each pick under the policy, each ≤ 0
 * @throws DataError without picks or for a log-probability above 0, ConfigError for n below 1
 */
export function bonKlEstimate(logProbs: ArrayLike<number>, n: number): number {
  checkCount('bonKlEstimate.n', n);
  const list = Array.from(logProbs);
  const bad = list.findIndex((p) => !(p <= 0));
  if (list.length === 0 || bad >= 0) {
    const what = bad >= 0 ? `pick ${bad} has no log-probability` : 'there are no picks';
    throw new DataError({ where: 'bonKlEstimate', what, got: String(list[bad]), wanted: 'numbers ≤ 0' });
  }
  const terms = list.map((logProb) => {
    const eps = Math.exp(logProb);
    if (eps < 1e-12) return bonKl(n); // 1 − (1 − ε)ⁿ has no digits left
    if (eps >= 1) return 0;
    const rest = Math.log1p(-eps); // log(1 − ε)
    const none = Math.exp(n * rest); // (1 − ε)ⁿ
    const some = -Math.expm1(n * rest);
    return none * (Math.log(n) + (n - 1) * rest - (n - 1) / n) + some * (Math.log(some) - logProb);
  });
  return terms.reduce((a, b) => a + b, 0) / terms.length;
}

/** @throws ConfigError for a count that is no whole number ≥ 1 */
export function checkCount(where: string, n: number): void {
  if (Number.isSafeInteger(n) && n >= 1) return;
  throw new ConfigError({ where, what: 'bad count', got: n, wanted: 'a whole number ≥ 1' });
}
