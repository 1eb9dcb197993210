// How often models are right on rows that nobody trained on: each by itself, and the ensemble of their predictions.
import type { Dataset, Tokenizer } from '@gimbal/language-models';
import type { MemberModel, PairRow, Share } from '@gimbal/reward-models';
import type { Params } from '@gimbal/tensor-core';
import { bySlice } from '../reward/accuracy.ts';

/** A model's predictions, row by row: a margin of a pair, or the logits of a row's classes. */
export type Predictions = readonly (readonly number[])[];

/** The same rows for every model. */
export interface Exam {
  predict(params: Params): Promise<Predictions>;
  /** Share of rows that is right; ties of pairs count half. */
  grade(found: Predictions): Share;
  /** The same of the rows with each value of a column, as `column value`. */
  slices(found: Predictions, column: string): Record<string, Share>;
}

/** @throws DataError for rows that cannot be scored, before anything is trained */
export async function examOf(
  model: MemberModel,
  tokenizer: Tokenizer,
  data: Dataset,
  maxLength?: number,
): Promise<Exam> {
  const lm = await import('@gimbal/language-models');
  const reward = await import('@gimbal/reward-models');
  if (!('classifier' in model)) {
    const { labels, config } = model;
    const limit = Math.min(maxLength ?? config.contextLength, config.contextLength);
    const { rows } = lm.labelledRows(data, tokenizer, { labels, limit });
    const right = (found: Predictions): number[] =>
      found.map((z, i) => Number(z.indexOf(Math.max(...z)) === rows[i]?.target) - 0.5);
    const share = (list: ArrayLike<number>): Share =>
      reward.shareOf(Array.from(list).filter((x) => x > 0).length, list.length);
    return {
      predict: async (params) => (await lm.classify(model, params, rows)).map(({ logits }) => Array.from(logits)),
      grade: (found) => share(right(found)),
      slices: (found, column) => slicesOf(data.rows, right(found), column, share),
    };
  }
  const { rows: texts, templated } = reward.pairTexts(data, tokenizer);
  const rows = texts.map(({ row, chosen, rejected }): PairRow => ({ ...row, chosen, rejected }));
  const labelled = (found: Predictions): number[] =>
    reward.labelledMargins(
      found.map(([margin]) => margin as number),
      rows,
    );
  const scoring = { templated, ...(maxLength === undefined ? {} : { maxLength }) };
  return {
    async predict(params) {
      if (model.kind === 'bradley-terry')
        return (await reward.rewardMargins(reward.rewardFn(model, params, tokenizer, scoring), rows)).map((m) => [m]);
      const preference = reward.preferenceFn(model, params, tokenizer, scoring);
      const found = await preference(
        rows.map((row) => row.prompt),
        rows.map((row) => row.chosen),
        rows.map((row) => row.rejected),
      );
      return found.map((p) => [p - 0.5]);
    },
    grade: (found) => reward.accuracyOfMargins(labelled(found)),
    slices: (found, column) => slicesOf(rows, labelled(found), column, reward.accuracyOfMargins),
  };
}

const slicesOf = (...[rows, margins, column, accuracyOf]: Parameters<typeof bySlice>): Record<string, Share> => {
  const { all: _, ...slices } = bySlice(rows, margins, column, accuracyOf);
  return slices;
};

/** A point on the straight line from one model to another: accuracies of the weights, of the predictions, and between the ends. */
export interface LinePoint {
  lambda: number;
  wa: number;
  ens: number;
  diag: number;
}

/**
 * The line between the first two models (WARM eq. 2). lmcCurve of @gimbal/reward-models is of margins; this one is of classes
 * too, whose interpolated logits have no margin that is interpolated, and takes what the ends were found to predict.
 * @param found what each of them predicts
 */
export async function lineBetween(
  exam: Exam,
  folders: readonly string[],
  found: readonly Predictions[],
): Promise<LinePoint[]> {
  const { loadClassifier } = await import('@gimbal/language-models');
  const { disposeTree, interpolateTrees } = await import('@gimbal/tensor-core');
  const open = async (at: number): Promise<Params> => (await loadClassifier(folders[at] as string)).params;
  const [a, b] = [await open(0), await open(1)];
  const [first, second] = [found[0] as Predictions, found[1] as Predictions];
  const [from, to] = [exam.grade(first).value, exam.grade(second).value];
  const points: LinePoint[] = [{ lambda: 0, wa: from, ens: from, diag: from }];
  try {
    for (const lambda of [0.25, 0.5, 0.75]) {
      const between = interpolateTrees(a, b, lambda);
      const wa = exam.grade(await exam.predict(between).finally(() => disposeTree(between))).value;
      const mixed = first.map((row, i) => row.map((x, k) => (1 - lambda) * x + lambda * (second[i]?.[k] as number)));
      points.push({ lambda, wa, ens: exam.grade(mixed).value, diag: (1 - lambda) * from + lambda * to });
    }
  } finally {
    for (const tree of [a, b]) disposeTree(tree);
  }
  return [...points, { lambda: 1, wa: to, ens: to, diag: to }];
}

/** Predictions of an ensemble, as `ensemble` makes them of rewards: the mean of raw scores (WARM §2: ENS), of classes' logits too. */
export const ensembleOf = (members: readonly Predictions[]): Predictions =>
  (members[0] as Predictions).map((row, i) =>
    row.map((_, k) => members.reduce((sum, list) => sum + (list[i]?.[k] as number), 0) / members.length),
  );
