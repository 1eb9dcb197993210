// What a user's reward function gives, checked: every trainer and score on rewards asks through this.
import type { Prompt, RewardFn } from '../contracts/rewards.ts';
import { DataError } from '../errors.ts';

/**
 * Asks a reward function, and checks what it gives.
 * @param name in messages
 * @returns one for each completion; null = it abstains
 * @throws DataError, naming function and row, for no list, another number of rewards, or one that is neither finite nor
 * null
 */
export async function checkedRewards(
  name: string,
  fn: RewardFn,
  prompts: readonly string[],
  completions: readonly string[],
  rows?: readonly Prompt[],
): Promise<(number | null)[]> {
  const found: unknown = await (rows === undefined ? fn(prompts, completions) : fn(prompts, completions, rows));
  const where = `reward ${name}`;
  if (!Array.isArray(found) && !ArrayBuffer.isView(found)) {
    const wanted = `a list of ${completions.length} numbers`;
    throw new DataError({ where, what: 'it gave no list of rewards', got: found, wanted });
  }
  const scores = Array.from(found as ArrayLike<number | null>);
  if (scores.length !== completions.length) {
    const what = 'it gave another number of rewards';
    throw new DataError({ where, what, got: scores.length, wanted: completions.length });
  }
  const bad = scores.findIndex((score) => score !== null && !Number.isFinite(score));
  if (bad >= 0) {
    const wanted = 'a finite number, or null to abstain';
    throw new DataError({ where: `${where}, row ${bad}`, what: 'no reward', got: String(scores[bad]), wanted });
  }
  return scores;
}
