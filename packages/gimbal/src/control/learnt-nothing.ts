// What is said of a run whose policy cannot be told to be better than the one that it began with: a check mark alone would
// look like success.
import type { Evaluation } from '@gimbal/fma-pg';
import type { MetricsRow } from '@gimbal/tensor-core';
import { counted, figure } from '../cli/format.ts';
import { notOf } from './agent-flags.ts';

/** Flags that keep an algorithm trying actions, in the order they are named; the first that it has is advised. */
const explores = ['finalExploration', 'explorationNoise', 'temperature', 'entropyCoef'] as const;
const flagOf = {
  finalExploration: '--final-exploration',
  explorationNoise: '--exploration-noise',
  temperature: '--temperature',
  entropyCoef: '--entropy-coef',
} as const;

/** Whether episodes with a reward of 1 for each step all lasted to the environment’s own time limit: there is no more to get. */
const isBest = ({ returns, lengths, truncated, cut }: Pick<Evaluation, 'returns' | 'lengths' | 'truncated' | 'cut'>) =>
  cut === 0 && truncated === lengths.length && returns.every((total, i) => total === lengths[i]);

/**
 * @param result of the trained policy
 * @param rows of the log of its training
 * @returns a sentence, and what to try; undefined for a run that may have got better, one that nothing is better than, and
 * where no episode ended in training
 */
export function learntNothing(
  result: Pick<Evaluation, 'mean' | 'ci95' | 'returns' | 'lengths' | 'truncated' | 'cut'>,
  rows: readonly MetricsRow[],
  algo: string,
): string | undefined {
  const first = rows.map((row) => row.episodeReturn).find((x): x is number => Number.isFinite(x));
  const { mean, ci95, lengths } = result;
  // few episodes: a mean below may be chance, an interval below is hardly that
  if (first === undefined || ci95[1] > first || isBest(result)) return undefined;
  const length = lengths[0] as number;
  const isSame = lengths.length > 1 && lengths.every((n) => n === length);
  const each = isSame ? `; each of ${lengths.length} episodes took ${counted(length, 'step')}` : '';
  const unused = notOf(algo);
  const own = explores.find((name) => !unused.includes(name));
  const explore = own === undefined ? '' : `, a larger ${flagOf[own]}`;
  return `no better than at first can be told: the trained policy returns ${figure(mean)}, at most ${figure(ci95[1])} by its 95 % interval, the first episodes of training returned ${figure(first)}${each}. Try more --steps${explore}, another --seed or --algo`;
}
