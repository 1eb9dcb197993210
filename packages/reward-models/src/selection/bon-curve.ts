// Best-of-n for every n up to N from one pool of N answers a prompt, without bias: sorted by proxy ascending,
//   E[gold of best-of-n] = Σ_{i=n..N} C(i−1, n−1) / C(N, n) · gold_(i)
// as in tlc4418/llm_optimization; answers whose proxies tie share their mean gold.
import { ConfigError, DataError } from '@gimbal/tensor-core';
import { bonKl, checkCount } from './bon-kl.ts';

/** What best-of-n gives. */
export interface BonPoint {
  /** How many answers the pick is of. */
  readonly n: number;
  /** The bound log n − (n − 1)/n. */
  readonly kl: number;
  /** Expected proxy of the pick. */
  readonly proxy: number;
  /** Expected gold of the pick. */
  readonly gold: number;
}

/**
 * The curve of best-of-n over n.
 * @param proxy the reward that picks [D·N], prompt by prompt
 * @param gold what the pick is worth [D·N]
 * @param pool N
 * @param at the n's, each from 1 to N
 * @throws DataError for arrays that do not hold whole pools or a score that is no number, ConfigError for an n out of range
 */
export function bonCurve(
  proxy: ArrayLike<number>,
  gold: ArrayLike<number>,
  pool: number,
  at: readonly number[],
): BonPoint[] {
  checkCount('bonCurve, pool', pool);
  const prompts = proxy.length / pool;
  if (!Number.isInteger(prompts) || prompts === 0 || gold.length !== proxy.length) {
    throw new DataError({
      where: 'bonCurve',
      what: 'scores must come in whole pools, as many of each kind',
      got: `${proxy.length} and ${gold.length}`,
      wanted: `multiples of ${pool}`,
    });
  }
  for (let i = 0; i < proxy.length; i++) {
    if (!Number.isNaN((proxy[i] as number) + (gold[i] as number))) continue;
    throw new DataError({ where: `bonCurve, answer ${i}`, what: 'a score is no number', wanted: 'numbers' });
  }
  const sorted = Array.from({ length: prompts }, (_, d) => sortPool(proxy, gold, d * pool, pool));
  return at.map((n) => {
    checkCount('bonCurve, at', n);
    if (n > pool) throw new ConfigError({ where: 'bonCurve, at', what: 'larger than the pool', got: n, wanted: pool });
    const shares = pickShares(n, pool);
    const expected = (of: 'proxy' | 'gold'): number =>
      sorted.reduce((sum, d) => sum + shares.reduce((s, share, i) => s + share * (d[of][i] as number), 0), 0) / prompts;
    return { n, kl: bonKl(n), proxy: expected('proxy'), gold: expected('gold') };
  });
}

/** P(the pick of n out of N is the i-th smallest) [N]. */
function pickShares(n: number, pool: number): Float64Array {
  const shares = new Float64Array(pool);
  // from the largest down: C(N−1, n−1)/C(N, n) = n/N, then C(i−2, n−1)/C(i−1, n−1) = (i − n)/(i − 1)
  let share = n / pool;
  for (let i = pool; i >= n; i--) {
    shares[i - 1] = share;
    share *= (i - n) / Math.max(i - 1, 1);
  }
  return shares;
}

function sortPool(
  proxy: ArrayLike<number>,
  gold: ArrayLike<number>,
  from: number,
  pool: number,
): { proxy: Float64Array; gold: Float64Array } {
  const order = Array.from({ length: pool }, (_, i) => from + i).sort(
    (a, b) => (proxy[a] as number) - (proxy[b] as number),
  );
  const out = {
    proxy: Float64Array.from(order, (i) => proxy[i] as number),
    gold: Float64Array.from(order, (i) => gold[i] as number),
  };
  for (let i = 0; i < pool; ) {
    let end = i + 1;
    while (end < pool && out.proxy[end] === out.proxy[i]) end++;
    if (end > i + 1) out.gold.fill(out.gold.subarray(i, end).reduce((a, b) => a + b, 0) / (end - i), i, end);
    i = end;
  }
  return out;
}
