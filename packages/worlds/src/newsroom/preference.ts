// Who prefers what: noisy annotators that follow quality, and a population whose taste in styles runs in a circle.

import { WorldError } from '../errors.ts';
import { checkRate } from '../internal/check.ts';
import type { Rng } from '../rng.ts';
import type { Article } from './article.ts';
import { judgeClause } from './entailment.ts';
import type { NewsroomSettings } from './options.ts';
import type { Summary } from './summary.ts';

/** How an annotator chooses, and how often it slips. */
export interface AnnotateOptions {
  /** Slope of the Bradley–Terry choice on the difference in quality; Infinity always takes the better one (2). */
  sharpness?: number;
  /** P(the label is turned round afterwards). */
  swap: number;
  /** Where its choice and its slips come from. */
  rng: Rng;
}

/** P(first) = σ(sharpness (r₁ − r₂)), then swapped with probability `swap`. @returns the preferred one: 0 or 1 */
export function annotateQualities(r1: number, r2: number, { sharpness = 2, swap, rng }: AnnotateOptions): 0 | 1 {
  checkRate('newsroom.annotate', 'swap', swap);
  if (!(sharpness >= 0)) {
    throw new WorldError('config', {
      where: 'newsroom.annotate',
      what: 'bad sharpness',
      got: sharpness,
      wanted: '≥ 0',
    });
  }
  // equal summaries are a fair coin, at any sharpness (Infinity · 0 is no number)
  const p = r1 === r2 ? 0.5 : 1 / (1 + Math.exp(-sharpness * (r1 - r2)));
  const first = rng.uniform() < p;
  const swapped = rng.uniform() < swap;
  return first !== swapped ? 0 : 1;
}

/** What the cyclic preference weighs. */
export interface PreferenceOptions {
  /** Weight of the circle of styles (.3). */
  cyclic?: number;
  /** Weight of a point of quality: distinct facts covered minus unsupported clauses (.2). */
  quality?: number;
  /** What a summary with a style gains against one without (.4). */
  style?: number;
}

/**
 * P(a ≻ b) = ½ + quality (q_a − q_b) + cyclic cyc(a, b) ± style, clipped to [.02, .98]: each style beats the one
 * before it in the circle, so no summary is best against all. P(a ≻ b) + P(b ≻ a) = 1.
 */
export function cyclicPreference(
  article: Article,
  a: Summary,
  b: Summary,
  { cyclic = 0.3, quality = 0.2, style = 0.4 }: PreferenceOptions,
  s: NewsroomSettings,
): number {
  let p = 0.5 + quality * (coverage(article, a, s) - coverage(article, b, s));
  if (a.style !== undefined && b.style !== undefined) p += cyclic * circle(a.style, b.style, s.styles);
  else if (a.style !== b.style) p += a.style === undefined ? -style : style;
  return Math.min(Math.max(p, 0.02), 0.98);
}

/** Distinct facts covered minus clauses that no fact supports (malformed ones among them). */
function coverage(article: Article, summary: Summary, s: NewsroomSettings): number {
  const covered = new Set<number>();
  let unsupported = 0;
  for (const clause of summary.clauses) {
    const judged = clause && judgeClause(article, clause, s);
    if (judged?.label === 'entailment') covered.add(judged.fact);
    else unsupported++;
  }
  return covered.size - unsupported;
}

/** +1 if style a beats style b, −1 if it loses, 0 for the same style or the opposite one of an even circle. */
function circle(a: number, b: number, n: number): number {
  const ahead = (a - b + n) % n;
  if (ahead === 0 || 2 * ahead === n) return 0;
  return 2 * ahead < n ? 1 : -1;
}
