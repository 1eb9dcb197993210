/** Elo ratings of a win-rate matrix. */
import { checkOption, DataError } from '@gimbal/tensor-core';
import { fitBradleyTerry } from './bradley-terry.ts';
import type { WinRateMatrix } from './win-rates.ts';

/**
 * Elo ratings, fitted to all comparisons at once rather than game by game: 400/log 10 times the Bradley–Terry rewards, so
 * that 400 points are odds of 10 to 1. Order and repetition of the games do not matter; a cycle cannot be expressed, see
 * `cyclicShare` for how much of the matrix that is.
 * @param o.prior drawn games added to every pair, ≥ 0, so that who wins all has a finite rating; default 1
 * @returns ratings of mean 0 `[n]`
 * @throws DataError for a matrix that was not measured (no `samples`), and without a prior, where some win every game or pairs are not connected
 * @example elo(winRates(comparisons))
 */
export function elo(w: WinRateMatrix, o: { prior?: number } = {}): Float64Array {
  const { prior = 1 } = o;
  checkOption('elo, prior', prior, Number.isFinite(prior) && prior >= 0, 'a finite number ≥ 0');
  const { n, p, samples, labels } = w;
  if (samples?.length !== n * n) {
    const what = 'a matrix without the numbers of comparisons';
    const fix = 'Give what winRates, winRatesFromCounts or playMatrix return';
    throw new DataError({ where: 'elo, samples', what, got: samples?.length ?? 'none', wanted: `${n} × ${n}`, fix });
  }
  const weights = samples.map((count) => count + prior);
  const shares = p.map((rate, at) =>
    weights[at] === 0 ? 0.5 : (rate * (samples[at] as number) + prior / 2) / (weights[at] as number),
  );
  return fitBradleyTerry({ n, p: shares, labels }, weights).map((r) => (400 / Math.LN10) * r);
}
