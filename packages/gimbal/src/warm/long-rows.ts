// Pairs that are longer than the model: those to train on are counted, and those to score, which are never cut, are left
// out, before anything is trained.
import type { Dataset, Tokenizer } from '@gimbal/language-models';
import type { PreferenceModel, RewardModel } from '@gimbal/reward-models';
import { DataError } from '@gimbal/tensor-core';
import type { Output } from '../cli/output.ts';
import { toldLong } from '../reward/long-pairs.ts';
import { readsTogether, tokensOfPairs } from '../reward/pair-margins.ts';

type Model = RewardModel | PreferenceModel;

interface Room {
  tokenizer: Tokenizer;
  maxLength?: number | undefined;
  overflow: 'drop' | 'cut' | 'error';
  output: Output;
}

/** Says how many pairs of training are left out or cut. @throws DataError for rows that cannot be trained on */
export async function countLong(data: Dataset, model: Model, { tokenizer, output, ...o }: Room): Promise<void> {
  const { answerEncoder, preferencePairs } = await import('@gimbal/reward-models');
  const { config } = model.classifier;
  const length = o.maxLength === undefined ? {} : { maxLength: o.maxLength };
  const reading = { ...length, overflow: o.overflow, together: readsTogether(model) };
  const { overflow } = preferencePairs(data, config, tokenizer, reading);
  if (overflow.rows === 0) return;
  const { limit } = answerEncoder(config, tokenizer, length);
  output.note(toldLong({ ...overflow, limit, overflow: o.overflow }, data.rows.length, 'training pair'));
}

/**
 * The pairs that the model has room for; the others are counted. Scoring never cuts, so that `cut` leaves them out too.
 * @param o.what names the rows in what is said; nothing is said or refused where it is ''
 * @throws DataError if none is left, or for the first long one with overflow `error`, each at its file and line
 */
export async function scorable(data: Dataset, model: Model, o: Room & { what: string }): Promise<Dataset> {
  const { answerEncoder, pairTexts } = await import('@gimbal/reward-models');
  const { rows, templated } = pairTexts(data, o.tokenizer);
  const length = o.maxLength === undefined ? {} : { maxLength: o.maxLength };
  const encoder = answerEncoder(model.classifier.config, o.tokenizer, { templated, ...length });
  const { limit } = encoder;
  const tokens = tokensOfPairs(rows, encoder, readsTogether(model));
  const kept = rows.flatMap((_, i) => ((tokens[i] as number) <= limit ? [i] : []));
  if (kept.length === rows.length) return data;
  const long = rows.flatMap((_, i) => ((tokens[i] as number) > limit ? [i] : []));
  const [first] = long as [number];
  if (o.what !== '' && (o.overflow === 'error' || kept.length === 0)) {
    const none = kept.length === 0 && o.overflow !== 'error';
    throw new DataError({
      where: data.where(first),
      what: none ? `all ${rows.length} rows set aside are longer than the model` : 'the pair is longer than the model',
      got: `${tokens[first]} tokens`,
      wanted: `at most ${limit}`,
      fix: none
        ? 'Use a model with a longer context, or more rows'
        : 'Use a model with a longer context, or --overflow drop',
    });
  }
  if (o.what !== '') {
    const where = long.slice(0, 10).map((i) => data.where(i));
    o.output.note(toldLong({ rows: long.length, where, limit, overflow: 'drop' }, rows.length, o.what, false));
  }
  return {
    ...data,
    rows: kept.map((i) => data.rows[i]),
    where: (i: number) => data.where(kept[i] as number),
  } as Dataset;
}
