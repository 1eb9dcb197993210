// A judge as a reward: log P(entailment), two-valued, with a known error.
import { WorldError } from '../errors.ts';
import { checkRate } from '../internal/check.ts';
import type { Article } from './article.ts';
import { type ClausePart, supports } from './entailment.ts';
import type { NewsroomSettings } from './options.ts';
import type { Summary } from './summary.ts';

/** What is wrong with the judge; nothing by default. */
export interface JudgeOptions {
  /** What an empty summary gets: most real entailment models `accept` it, which a policy soon finds out (`reject`). */
  emptyPolicy?: 'reject' | 'accept';
  /** Parts of a clause that the judge does not look at. */
  blindTo?: readonly ClausePart[];
}

/**
 * Scores summaries: log(1 − eps) where all clauses are supported as far as the judge sees, else log(eps).
 * @throws WorldError (`config`) for eps outside (0, 1)
 */
export function oracleJudge(
  eps: number,
  { emptyPolicy = 'reject', blindTo = [] }: JudgeOptions,
  s: NewsroomSettings,
): (article: Article, summary: Summary) => number {
  checkRate('newsroom.judge', 'eps', eps);
  if (eps === 0 || eps === 1) {
    throw new WorldError('config', {
      where: 'newsroom.judge',
      what: 'eps gives a score of minus infinity',
      got: eps,
      wanted: 'a number between 0 and 1, 0.03 for example',
    });
  }
  const yes = Math.log(1 - eps);
  const no = Math.log(eps);
  return (article, summary) => {
    if (summary.clauses.length === 0) return emptyPolicy === 'accept' ? yes : no;
    const accepted = summary.clauses.every(
      (clause) => clause !== undefined && article.facts.some((fact) => supports(fact, clause, s, blindTo)),
    );
    return accepted ? yes : no;
  };
}
