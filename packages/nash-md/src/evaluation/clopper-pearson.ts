import { checkOpenShare, checkOption } from '@gimbal/tensor-core';
import { inverseIncompleteBeta } from '../internal/incomplete-beta.ts';

/**
 * The Clopper–Pearson interval of a share: the shares under which neither so many successes nor so few are rarer than
 * (1 − confidence)/2 each. Never too narrow.
 * @param successes k, 0 ≤ k ≤ trials; half a success for a tie is allowed and makes the interval wider than it need be
 * @param trials N ≥ 0; without any the interval is [0, 1]
 * @param confidence in (0, 1); default .95
 * @returns [low, high]
 * @example clopperPearson(598, 1000) // .567, .629
 */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): [number, number] {
  checkOpenShare('clopperPearson, confidence', confidence);
  checkOption('clopperPearson, trials', trials, Number.isFinite(trials) && trials >= 0, 'a number ≥ 0');
  checkOption(
    'clopperPearson, successes',
    successes,
    successes >= 0 && successes <= trials,
    `a number from 0 to ${trials}`,
  );
  const tail = (1 - confidence) / 2;
  const failures = trials - successes;
  const low = successes === 0 ? 0 : inverseIncompleteBeta(successes, failures + 1, tail);
  const high = failures === 0 ? 1 : 1 - inverseIncompleteBeta(failures, successes + 1, tail);
  return [low, high];
}
