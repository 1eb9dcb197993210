// What the table scores: the reward, or greedy completions against the rows' own.
import { corpusBleu, exactMatch, rougeN } from '@gimbal/language-models';
import { ConfigError, type Prompt, type RewardFn } from '@gimbal/tensor-core';
import { promptText } from '../rl/prompt-rows.ts';

/** Scores against the rows' completions. */
export const scoreNames = ['rouge2', 'bleu', 'exact'] as const;

/** One of them. */
export type ScoreName = (typeof scoreNames)[number];

interface Score {
  scoreName?: string;
  /** numbers whose mean is the score */
  score?: (completions: readonly string[]) => Promise<number[]> | number[];
}

/**
 * @param asked what --score says; default the reward, or where there is none ROUGE-2, or nothing without completions
 * @throws ConfigError where a score was asked for and rows have no completions
 */
export function scoreOf(asked: ScoreName | undefined, reward: RewardFn | undefined, rows: readonly Prompt[]): Score {
  if (reward !== undefined && asked === undefined) {
    const score = async (completions: readonly string[]): Promise<number[]> =>
      (await reward(rows.map(promptText), completions, rows)).filter((r): r is number => r !== null);
    return { scoreName: 'reward', score };
  }
  if (!rows.every(isComplete)) {
    if (asked === undefined) return {};
    const what = 'greedy completions are compared with the rows’ own, and some rows have none';
    throw new ConfigError({ where: 'gimbal gkd --score', what, got: asked, fix: 'Give rows with completions' });
  }
  const references = rows.map((row) => String((row as { completion?: unknown }).completion));
  if (asked === 'exact')
    return { scoreName: 'exact match', score: (completions) => exactMatch(completions, references) };
  // of the whole corpus: its mean over rows would be another number
  if (asked === 'bleu') return { scoreName: 'BLEU', score: (completions) => [corpusBleu(completions, references)] };
  return {
    scoreName: 'ROUGE-2',
    score: (completions) => completions.map((text, i) => rougeN(text, references[i] as string, 2).f1),
  };
}

/** Whether a row has a completion. */
export const isComplete = (row: Prompt): boolean =>
  typeof row === 'object' && typeof (row as { completion?: unknown }).completion === 'string';
