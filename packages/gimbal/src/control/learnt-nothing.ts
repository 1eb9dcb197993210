// What is said of a run whose policy is no better than the one that it began with: a check mark alone would look like success.
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

/**
 * @param result of the trained policy
 * @param rows of the log of its training
 * @returns a sentence, and what to try; undefined for a run that got better, and where no episode ended in training
 */
export function learntNothing(
  { mean, lengths }: Pick<Evaluation, 'mean' | 'lengths'>,
  rows: readonly MetricsRow[],
  algo: string,
): string | undefined {
  const first = rows.map((row) => row.episodeReturn).find((x): x is number => Number.isFinite(x));
  if (first === undefined || mean > first) return undefined;
  const length = lengths[0] as number;
  const isSame = lengths.length > 1 && lengths.every((n) => n === length);
  const each = isSame ? `; each of ${lengths.length} episodes took ${counted(length, 'step')}` : '';
  const unused = notOf(algo);
  const own = explores.find((name) => !unused.includes(name));
  const explore = own === undefined ? '' : `, a larger ${flagOf[own]}`;
  return `nothing was learnt: the trained policy returns ${figure(mean)}, the first episodes of training returned ${figure(first)}${each}. Try more --steps${explore}, another --seed or --algo`;
}
