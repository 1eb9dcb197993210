import { checkOpenShare, checkOption } from '@gimbal/tensor-core';
import { inverseIncompleteBeta } from '../internal/incomplete-beta.ts';

/** Counts above are no whole numbers any more. */
export const mostTrials = 2 ** 53;

/**
 * The Clopper–Pearson interval of a share: the shares under which neither so many successes nor so few are rarer than
 * (1 − confidence)/2 each. Never too narrow.
 * @param successes k, 0 ≤ k ≤ trials; half a success for a tie is allowed and makes the interval wider than it need be
 * @param trials N from 0 to 2^53; without any the interval is [0, 1]. Beyond two million of either kind the interval is an
 * expansion, within 1e-8 of its width
 * @param confidence in (0, 1); default .95
 * @returns [low, high]
 * @example clopperPearson(598, 1000) // .567, .629
 */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): [number, number] {
  checkOpenShare('clopperPearson, confidence', confidence);
  checkOption('clopperPearson, trials', trials, trials >= 0 && trials <= mostTrials, 'a number from 0 to 2^53');
  checkOption(
    'clopperPearson, successes',
    successes,
    successes >= 0 && successes <= trials,
    `a number from 0 to ${trials}`,
  );
  const failures = trials - successes;
  // the smaller share: of the other nothing but its distance from 1 would be left
  if (successes > failures) {
    const [low, high] = clopperPearson(failures, trials, confidence);
    return [1 - high, 1 - low];
  }
  const tail = (1 - confidence) / 2;
  const low = successes === 0 ? 0 : inverseIncompleteBeta(successes, failures + 1, tail);
  const high = failures === 0 ? 1 : inverseIncompleteBeta(successes + 1, failures, tail, 'above');
  return [low, high];
}
