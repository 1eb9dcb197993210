// Entailment as a reward, and what it is compared with: filtering, control tokens, the optimum in closed form.
import type { PromptCompletionRow } from '@gimbal/language-models';
import { ConfigError, DataError, type RewardFn } from '@gimbal/tensor-core';
import type { EntailmentJudge } from './judge.ts';
import { judged } from './judged.ts';

/**
 * log P(the prompt entails the completion), the reward of RLEF.
 * @param o.premise the premise of a prompt, where it holds more than the article (the prompt itself)
 * @returns a reward function: null of a pair that the judge abstains on; it throws DataError, naming the row, for a judge's
 * answer that is above 0 or no number
 */
export function entailmentReward(judge: EntailmentJudge, o: { premise?: (prompt: string) => string } = {}): RewardFn {
  const { premise = (prompt: string): string => prompt } = o;
  return async (prompts, completions) => {
    const found = await judged(judge, prompts.map(premise), completions, { abstaining: true });
    return Array.from(found, (p) => (Number.isNaN(p) ? null : p));
  };
}

/** Rows that a judge let through. */
export interface FilteredRows {
  /** In their order. */
  readonly kept: PromptCompletionRow[];
  /** Share of all rows, in (0, 1]. */
  readonly keptFraction: number;
}

/**
 * The rows whose completion the prompt entails: what supervised training is filtered with.
 * @param o.threshold least P(entailment), in (0, 1) (.5)
 * @throws DataError where nothing is kept, or for an empty prompt; ConfigError for a threshold out of range
 */
export async function filterByJudge(
  rows: readonly PromptCompletionRow[],
  judge: EntailmentJudge,
  o: { threshold?: number } = {},
): Promise<FilteredRows> {
  const { threshold = 0.5 } = o;
  const good = await entailedRows(rows, judge, threshold);
  const kept = rows.filter((_, i) => good[i]);
  if (kept.length === 0) {
    throw new DataError({
      where: 'filterByJudge',
      what: 'no row is kept',
      got: `0 of ${rows.length}`,
      fix: 'Lower the threshold, or look at the judge’s scores',
    });
  }
  return { kept, keptFraction: kept.length / rows.length };
}

/**
 * Rows whose prompt ends with a token that says whether its completion is entailed: trained on them, a model is asked with
 * the first one (Filippova, arXiv 2010.05873).
 * @throws DataError where a prompt holds one of the tokens already, ConfigError where they are the same or empty
 */
export async function withControlTokens(
  rows: readonly PromptCompletionRow[],
  judge: EntailmentJudge,
  { entailed, notEntailed, threshold = 0.5 }: { entailed: string; notEntailed: string; threshold?: number },
): Promise<PromptCompletionRow[]> {
  if (entailed === notEntailed || entailed === '' || notEntailed === '') {
    const what = 'two different tokens are needed';
    throw new ConfigError({ where: 'withControlTokens', what, got: [entailed, notEntailed] });
  }
  rows.forEach(({ prompt, completion }, i) => {
    const there = [entailed, notEntailed].find((token) => prompt.includes(token) || completion.includes(token));
    if (there === undefined) return;
    const fix = 'Choose tokens that no text has';
    throw new DataError({ where: `row ${i}`, what: 'the text holds a control token already', got: there, fix });
  });
  const good = await entailedRows(rows, judge, threshold);
  return rows.map((row, i) => ({ ...row, prompt: `${row.prompt} ${good[i] ? entailed : notEntailed}` }));
}

async function entailedRows(
  rows: readonly PromptCompletionRow[],
  judge: EntailmentJudge,
  threshold: number,
): Promise<boolean[]> {
  if (!(threshold > 0 && threshold < 1)) {
    const wanted = 'a number between 0 and 1';
    throw new ConfigError({ where: 'threshold', what: 'out of range', got: threshold, wanted });
  }
  if (rows.length === 0) throw new DataError({ where: 'rows', what: 'there are none', wanted: 'at least one' });
  const scores = await judged(
    judge,
    rows.map((row) => row.prompt),
    rows.map((row) => row.completion),
  );
  return [...scores].map((p) => p > Math.log(threshold));
}

/**
 * The entailed rate of the policy that RLEF's reward is maximal for, π* ∝ π^SL · P_E^k, k = (1 − α)/α, under a judge of two
 * values: q* = q (1−ε)^k / (q (1−ε)^k + (1−q) ε^k).
 * @param q rate of the supervised model on one article, in [0, 1]
 * @param eps the judge says 1 − ε or ε, in (0, 1)
 * @param alpha weight of the KL term, in (0, 1]; 1 leaves q as it is
 * @throws ConfigError for numbers out of range
 */
export function optimalEntailedRate(q: number, eps: number, alpha: number): number {
  const good = q >= 0 && q <= 1 && eps > 0 && eps < 1 && alpha > 0 && alpha <= 1;
  if (!good) {
    const wanted = 'q in [0, 1], ε in (0, 1), α in (0, 1]';
    throw new ConfigError({ where: 'optimalEntailedRate', what: 'out of range', got: { q, eps, alpha }, wanted });
  }
  if (q === 0 || q === 1) return q;
  const k = (1 - alpha) / alpha;
  return 1 / (1 + ((1 - q) / q) * (eps / (1 - eps)) ** k);
}
