// Faithfulness beside what it may cost, of one version of the model: sampled summaries of held-out articles.
import type { Pretrained } from '@gimbal/language-models';
import { evaluateSummaries } from '@gimbal/reward-models';
import type { Rng } from '@gimbal/tensor-core';
import type { Newsroom } from '@gimbal/worlds';
import { type Estimate, meanWithInterval } from './intervals.ts';
import { writeCompletions } from './write-completions.ts';

export interface SummaryScores {
  entailed: Estimate;
  /** r* */
  quality: Estimate;
  /** r* of each summary, in the order of the articles */
  qualities: number[];
  rouge1: Estimate;
  coverage: Estimate;
  density: Estimate;
  words: Estimate;
}

/** @param rows article and reference */
export async function summaryScores(
  pretrained: Pretrained,
  rows: readonly { prompt: string; completion: string }[],
  desk: Newsroom,
  o: { maxNewTokens: number; rng: Rng; signal: AbortSignal },
): Promise<SummaryScores> {
  const articles = rows.map((row) => row.prompt);
  const written = await writeCompletions(pretrained, articles, {
    ...o,
    batchSize: 64,
    temperature: 1,
    promptSuffix: true,
  });
  // the world itself: a judge that was optimised would flatter
  const judge = {
    name: 'world',
    logProb: async (premises: readonly string[], hypotheses: readonly string[]) =>
      Float32Array.from(desk.judge(1e-3)(premises, hypotheses)),
  };
  const found = await evaluateSummaries(
    rows.map(({ prompt, completion }, i) => ({
      article: prompt,
      summary: written[i] as string,
      references: [completion],
    })),
    judge,
    o,
  );
  const qualities = articles.map((article, i) => desk.quality(desk.parse(article), written[i] as string));
  const estimate = ({ value, ci95: [low, high] }: { value: number; ci95: readonly [number, number] }): Estimate => ({
    value,
    low,
    high,
    n: rows.length,
  });
  return {
    entailed: estimate(found.entailed),
    quality: meanWithInterval(qualities),
    qualities,
    rouge1: estimate(found.rouge1),
    coverage: estimate(found.coverage),
    density: estimate(found.density),
    words: estimate(found.length),
  };
}
