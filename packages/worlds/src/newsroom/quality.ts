// r*, the quality that an ideal reader gives a summary: support, importance, no repetition, no length for its own sake.
import type { Article } from './article.ts';
import { judgeClause } from './entailment.ts';
import type { NewsroomSettings } from './options.ts';
import type { Summary } from './summary.ts';

/** The points that `quality` of a newsroom adds up. */
export const qualityPoints = {
  main: 2,
  other: 0.5,
  /** Factor on main and other where the object is only named by its category. */
  category: 0.8,
  repeated: -0.5,
  unsupported: -1.5,
  malformed: -1,
  /** For each clause, of whatever form, beyond two. */
  extra: -0.4,
  empty: -1,
} as const;

/** Sums the points of each clause in order; a fact told again is a repetition. */
export function scoreQuality(article: Article, summary: Summary, s: NewsroomSettings): number {
  if (summary.clauses.length === 0) return qualityPoints.empty;
  const told = new Set<number>();
  let total = qualityPoints.extra * Math.max(summary.clauses.length - 2, 0);
  for (const clause of summary.clauses) {
    if (clause === undefined) {
      total += qualityPoints.malformed;
      continue;
    }
    const { label, fact } = judgeClause(article, clause, s);
    if (label !== 'entailment') {
      total += qualityPoints.unsupported;
    } else if (told.has(fact)) {
      total += qualityPoints.repeated;
    } else {
      told.add(fact);
      const points = article.facts[fact]?.head ? qualityPoints.main : qualityPoints.other;
      total += clause.category === undefined ? points : points * qualityPoints.category;
    }
  }
  return total;
}
