// By how much a reward or a preference model prefers the chosen answers.
import type { Tokenizer } from '@gimbal/language-models';
import type { AnswerEncoder, PairRow, PreferenceModel, RewardModel } from '@gimbal/reward-models';
import type { Params } from '@gimbal/tensor-core';

/**
 * Margins of the pairs that the model has room for.
 * @returns those pairs, and of each r(chosen) − r(rejected), or log P/(1 − P) of a preference model
 */
export async function pairMargins<Row extends PairRow>(
  model: RewardModel | PreferenceModel,
  params: Params,
  tokenizer: Tokenizer,
  rows: readonly Row[],
  scoring: { templated?: boolean; maxLength?: number },
): Promise<{ fitting: Row[]; margins: number[] }> {
  const reward = await import('@gimbal/reward-models');
  const fitting = fittingRows(
    rows,
    reward.answerEncoder(model.classifier.config, tokenizer, scoring),
    readsTogether(model),
  );
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

/** Whether a model reads both answers of a pair in one row. */
export const readsTogether = (model: RewardModel | PreferenceModel): boolean =>
  model.kind === 'pairwise' && model.form === 'antisymmetric';

/** Tokens of each pair: of both answers together, or of the longer side. */
export const tokensOfPairs = (
  rows: readonly Pick<PairRow, 'prompt' | 'chosen' | 'rejected'>[],
  encoder: AnswerEncoder,
  together: boolean,
): number[] =>
  rows.map(({ prompt, chosen, rejected }) => {
    const sides = together ? [[chosen, rejected]] : [[chosen], [rejected]];
    return Math.max(...sides.map((answers) => encoder.encode(prompt, answers).ids.length));
  });

/** Pairs that the model has room for. */
export function fittingRows<Row extends PairRow>(
  rows: readonly Row[],
  encoder: AnswerEncoder,
  together: boolean,
): Row[] {
  const tokens = tokensOfPairs(rows, encoder, together);
  return rows.filter((_, i) => (tokens[i] as number) <= encoder.limit);
}
