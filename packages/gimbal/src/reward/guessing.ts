// A judge that has learnt nothing yet is saved like any other, and would be a reward: it is said.
import type { Share } from '@gimbal/reward-models';
import { percent } from '../cli/format.ts';

/** A sentence where a judge of so many classes cannot be told from one that guesses; undefined where it can. */
export function toldGuessing({ ci95, n }: Share, classes: number): string | undefined {
  if (n === 0 || ci95[0] > 1 / classes) return undefined;
  return `not told from guessing, which is right on ${percent(1 / classes)} of ${classes} classes: give it more --steps or rows, or another --learning-rate, before it is a reward`;
}
