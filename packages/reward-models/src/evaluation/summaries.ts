// What a summary gains and what it pays: faithfulness beside overlap with the references, copying and length, so that the
// trade-off is seen (Roit et al., arXiv 2306.00186, table 1).
import { extractiveness, rouge } from '@gimbal/language-models';
import { DataError } from '@gimbal/tensor-core';
import type { EntailmentJudge } from '../entailment/judge.ts';
import { judged } from '../entailment/judged.ts';

/** A summary with its article and what people wrote. */
export interface SummaryRow {
  /** Its source. */
  article: string;
  /** To be judged; may be empty. */
  summary: string;
  /** At least one. */
  references: readonly string[];
}

/** A mean over summaries. */
export interface Mean {
  /** The mean. */
  readonly value: number;
  /** 95 %, normal; the width is 0 for one row. */
  readonly ci95: readonly [low: number, high: number];
}

/** A second opinion on faithfulness that no judge of entailment stands behind, such as Q² (questions asked and answered). */
export interface ConsistencyScorer {
  /** For reports. */
  readonly name: string;
  /** How consistent each summary is with its article [B], in [0, 1]. */
  score(
    articles: readonly string[],
    summaries: readonly string[],
    o?: { signal?: AbortSignal },
  ): Promise<ArrayLike<number>>;
}

/** Means over all summaries. */
export interface SummaryReport {
  /** Share with P(entailment) above ½. */
  readonly entailed: Mean;
  /** Mean log P(entailment). */
  readonly logEntailment: Mean;
  /** F1 of single words. */
  readonly rouge1: Mean;
  /** F1 of word pairs. */
  readonly rouge2: Mean;
  /** F1 of the longest common subsequence. */
  readonly rougeL: Mean;
  /** Share of words that stand in the article. */
  readonly coverage: Mean;
  /** Mean length of the fragments they stand in: coverage and density rising together is copying. */
  readonly density: Mean;
  /** Words. */
  readonly length: Mean;
  /** Share without a word. */
  readonly empty: Mean;
  /** Of the consistency scorer, where there is one. */
  readonly consistency?: Mean;
  /** How many. */
  readonly n: number;
}

/**
 * Faithfulness, overlap, extractiveness and length, reported together.
 * @param judge should not be the one that was optimised: else `entailed` is the reward, not its check
 * @throws DataError without rows, for one without references, a judge's answer that is no logarithm of a probability, or a
 * consistency outside [0, 1]
 */
export async function evaluateSummaries(
  rows: readonly SummaryRow[],
  judge: EntailmentJudge,
  { consistency, ...o }: { signal?: AbortSignal; consistency?: ConsistencyScorer } = {},
): Promise<SummaryReport> {
  if (rows.length === 0) throw new DataError({ where: 'evaluateSummaries', what: 'there are no rows' });
  const [articles, summaries] = [rows.map((row) => row.article), rows.map((row) => row.summary)];
  const scores = await judged(judge, articles, summaries, o);
  const second = consistency && (await consistencyOf(consistency, articles, summaries, o));
  const overlaps = rouge(
    summaries,
    rows.map((row) => row.references),
  );
  const copies = rows.map((row) => extractiveness(row.article, row.summary));
  const words = summaries.map((text) => text.split(/\s+/).filter((word) => word !== '').length);
  return {
    entailed: meanOf([...scores].map((p) => Number(p > Math.log(0.5)))),
    logEntailment: meanOf([...scores]),
    rouge1: meanOf(overlaps.map((r) => r.rouge1)),
    rouge2: meanOf(overlaps.map((r) => r.rouge2)),
    rougeL: meanOf(overlaps.map((r) => r.rougeL)),
    coverage: meanOf(copies.map((c) => c.coverage)),
    density: meanOf(copies.map((c) => c.density)),
    length: meanOf(words),
    empty: meanOf(words.map((n) => Number(n === 0))),
    ...(second && { consistency: meanOf(second) }),
    n: rows.length,
  };
}

async function consistencyOf(
  scorer: ConsistencyScorer,
  articles: readonly string[],
  summaries: readonly string[],
  o: { signal?: AbortSignal },
): Promise<number[]> {
  const found = Array.from(await scorer.score(articles, summaries, o));
  const where = `consistency ${scorer.name}`;
  if (found.length !== summaries.length) {
    const what = 'it gave another number of scores';
    throw new DataError({ where, what, got: found.length, wanted: summaries.length });
  }
  const bad = found.findIndex((x) => !(x >= 0 && x <= 1));
  if (bad < 0) return found;
  const wanted = 'a number from 0 to 1';
  throw new DataError({ where: `${where}, row ${bad}`, what: 'out of range', got: found[bad], wanted });
}

function meanOf(values: readonly number[]): Mean {
  const n = values.length;
  const value = values.reduce((a, b) => a + b, 0) / n;
  const spread = values.reduce((a, x) => a + (x - value) ** 2, 0) / Math.max(n - 1, 1);
  const half = 1.959963984540054 * Math.sqrt(spread / n);
  return { value, ci95: [value - half, value + half] };
}
