// A model that has learnt nothing yet is saved like any other, and would be a reward: it is said.
import type { Share } from '@gimbal/reward-models';
import { percent } from '../cli/format.ts';

/**
 * A sentence where a model cannot be told from one that guesses; undefined where it can.
 * @param of the classes that a judge has, or pairs, of which a guess gets half
 */
export function toldGuessing({ ci95, n }: Share, of: number | 'pairs'): string | undefined {
  const chance = of === 'pairs' ? 1 / 2 : 1 / of;
  if (n === 0 || ci95[0] > chance) return undefined;
  if (of === 'pairs' && ci95[1] < chance) {
    return `worse than guessing, which is right on ${percent(chance)} of pairs: are the better answers in another column? See --columns`;
  }
  const guess = `${percent(chance)} of ${of === 'pairs' ? 'pairs' : `${of} classes`}`;
  return `not told from guessing, which is right on ${guess}: give it more --steps or rows, or another --learning-rate, before it is a reward`;
}
