// By how much a reward or a preference model prefers the chosen answers.
import type { Tokenizer } from '@gimbal/language-models';
import type { AnswerEncoder, PairRow, PreferenceModel, RewardModel } from '@gimbal/reward-models';
import type { Params } from '@gimbal/tensor-core';

/**
 * Margins of the pairs that the model has room for.
 * @returns those pairs, and of each r(chosen) − r(rejected), or log P/(1 − P) of a preference model
 */
export async function pairMargins(
  model: RewardModel | PreferenceModel,
  params: Params,
  tokenizer: Tokenizer,
  rows: readonly PairRow[],
  scoring: { templated?: boolean; maxLength?: number },
): Promise<{ fitting: PairRow[]; margins: number[] }> {
  const reward = await import('@gimbal/reward-models');
  const together = model.kind === 'pairwise' && model.form === 'antisymmetric';
  const fitting = fittingRows(rows, reward.answerEncoder(model.classifier.config, tokenizer, scoring), together);
  if (model.kind !== 'pairwise')
    return {
      fitting,
      margins: await reward.rewardMargins(reward.rewardFn(model, params, tokenizer, scoring), fitting),
    };
  const preferences = await reward.preferenceFn(
    model,
    params,
    tokenizer,
    scoring,
  )(
    fitting.map((r) => r.prompt),
    fitting.map((r) => r.chosen),
    fitting.map((r) => r.rejected),
  );
  return { fitting, margins: preferences.map((p) => Math.log(Math.max(p, 1e-12) / Math.max(1 - p, 1e-12))) };
}

/** Pairs that the model has room for. */
export function fittingRows(rows: readonly PairRow[], encoder: AnswerEncoder, together: boolean): PairRow[] {
  const fits = (prompt: string, answers: readonly string[]): boolean =>
    encoder.encode(prompt, answers).ids.length <= encoder.limit;
  return rows.filter(({ prompt, chosen, rejected }) =>
    together ? fits(prompt, [chosen, rejected]) : fits(prompt, [chosen]) && fits(prompt, [rejected]),
  );
}
