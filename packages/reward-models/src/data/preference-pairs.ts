// Preference rows as pairs of token rows: every row is looked at before anything is trained.

import type { DecoderConfig, EncoderConfig } from '@gimbal/language-models';
import { type Dataset, isKind, type OverflowReport, renderRows, type Tokenizer } from '@gimbal/language-models';
import { ConfigError, checkName, DataError, type Overflow } from '@gimbal/tensor-core';
import { type AnswerEncoder, type AnswerEncoderOptions, answerEncoder, type EncodedRow } from './answer-encoder.ts';

/** A pair ready to be trained on. */
export interface PreferencePair {
  /** The better answer with its prompt; or, where both are read together, the better one first. */
  readonly first: EncodedRow;
  /** The worse answer with its prompt; or the worse one first. */
  readonly second: EncodedRow;
  /** P(the chosen answer is the better one): 1, or the row's `label`. */
  readonly target: number;
  /** By how much the better score should be ahead: 0, or the row's `margin`. */
  readonly margin: number;
  /** Factor of the pair's loss: 1, or the row's `weight`. */
  readonly weight: number;
}

/** The texts of a preference row. */
export interface PairTexts {
  /** '' where the answers are whole texts. */
  readonly prompt: string;
  /** The better answer. */
  readonly chosen: string;
  /** The worse answer. */
  readonly rejected: string;
  /** `prompt` with the row's other columns, as reward functions take it. */
  readonly row: { prompt: string; [column: string]: unknown };
  /** P(chosen is the better one), in [0, 1]. */
  readonly target: number;
  /** ≥ 0 */
  readonly margin: number;
  /** ≥ 0 */
  readonly weight: number;
  /** The place of the row, for messages. */
  readonly where: string;
}

/** Pairs, and which rows were too long. */
export interface PreferencePairs {
  /** In the order of the data. */
  readonly pairs: readonly PreferencePair[];
  /** What became of rows longer than the limit. */
  readonly overflow: OverflowReport;
}

/**
 * The texts of rows of preferences, with or without a prompt, or of conversations, which the tokenizer's template renders.
 * Columns `label` (P(chosen is the better one)), `margin` and `weight` are taken where a row has them.
 * @param tokenizer of the model; plain texts need none
 * @throws ConfigError for conversations without one; DataError naming the place of a row of another kind, with equal or empty answers, a label outside [0, 1], or a
 * margin or weight below 0
 */
export function pairTexts(data: Dataset, tokenizer?: Tokenizer): { rows: PairTexts[]; templated: boolean } {
  const templated = data.kind.startsWith('conversation');
  if (templated && tokenizer === undefined) {
    const fix = 'Give the tokenizer of the model';
    throw new ConfigError({ where: 'pairTexts', what: 'conversations need a chat template', got: data.kind, fix });
  }
  // equal answers are refused below
  const text = templated ? renderRows(data, tokenizer as Tokenizer, { warn: () => {} }) : data;
  const plain = isKind(text, 'preference');
  if (!plain && !isKind(text, 'implicit-preference')) {
    throw new DataError({
      where: data.where(0),
      what: 'rows of this kind hold no pair of answers',
      got: data.kind,
      wanted: 'preference, implicit-preference, or conversations with a better and a worse answer',
      fix: 'Name the columns, for example --columns prompt=question,chosen=better,rejected=worse',
    });
  }
  const rows = text.rows.map((row, i): PairTexts => {
    const where = text.where(i);
    const prompt = plain ? (row as { prompt: string }).prompt : '';
    const { chosen, rejected } = row as { chosen: string; rejected: string };
    for (const side of ['chosen', 'rejected'] as const) {
      if ((row as Record<string, unknown>)[side] !== '') continue;
      throw new DataError({ where, what: `the ${side} answer is empty`, wanted: 'a text', fix: 'Leave the row out' });
    }
    if (chosen === rejected) {
      const fix = 'Leave the row out: it says nothing of which is better';
      throw new DataError({ where, what: 'both answers are the same text', got: chosen.slice(0, 60), fix });
    }
    const target = labelOf(row, where);
    const most = 3.4028234663852886e38; // of float32, which trainers compute in
    const [margin, weight] = [numberIn(row, 'margin', most, 0, where), numberIn(row, 'weight', most, 1, where)];
    return { prompt, chosen, rejected, row: { ...row, prompt }, target, margin, weight, where };
  });
  return { rows, templated };
}

/** P(chosen is the better one) of a row, 1 where it does not say. @throws DataError for a label outside [0, 1] */
export const labelOf = (row: object, where: string): number => numberIn(row, 'label', 1, 1, where);

/** @throws DataError for what is no number, or boolean, from 0 to `most` */
function numberIn(row: object, column: string, most: number, fallback: number, where: string): number {
  const value = (row as Record<string, unknown>)[column];
  if (value === undefined || value === null) return fallback;
  const got = typeof value === 'boolean' ? Number(value) : value;
  if (typeof got === 'number' && got >= 0 && got <= most) return got;
  const open = typeof got === 'number' && got > most ? 'at most 3.4e38, what float32 holds' : 'a number ≥ 0';
  const wanted = most === 1 ? 'a number from 0 to 1' : open;
  throw new DataError({ where, what: `column ${column} is out of range`, got, wanted });
}

/**
 * Preference rows as tokens.
 * @param o.together both answers in one row, in both orders, as the antisymmetric form reads them
 * @throws DataError as `pairTexts`, for answers of equal tokens, if no row is left, or for the first long one with
 * overflow `error`; ConfigError for overflow `split` or one that is unknown
 */
export function preferencePairs(
  data: Dataset,
  config: EncoderConfig | DecoderConfig,
  tokenizer: Tokenizer,
  o: AnswerEncoderOptions & { overflow?: Overflow; together?: boolean },
): PreferencePairs {
  const { overflow = 'drop', together = false, ...encoding } = o;
  checkName('overflow', overflow, ['drop', 'cut', 'split', 'error']);
  if (overflow === 'split') {
    const wanted = 'drop, cut or error';
    throw new ConfigError({ where: 'overflow', what: 'a pair cannot be split', got: overflow, wanted });
  }
  const { rows, templated } = pairTexts(data, tokenizer);
  const encoder = answerEncoder(config, tokenizer, { templated, ...encoding });
  const { limit } = encoder;
  const pairs: PreferencePair[] = [];
  const places: string[] = [];
  let [long, lost, shortest] = [0, 0, Number.POSITIVE_INFINITY];
  for (const { prompt, chosen, rejected, target, margin, weight, where } of rows) {
    const sides = together
      ? ([
          [chosen, rejected],
          [rejected, chosen],
        ] as const)
      : ([[chosen], [rejected]] as const);
    const whole = sides.map((answers) => encoder.encode(prompt, answers)) as [EncodedRow, EncodedRow];
    if (sameIds(...whole)) {
      throw new DataError({ where, what: 'both answers have the same tokens', fix: 'Leave the row out' });
    }
    const longest = Math.max(...whole.map((side) => side.ids.length));
    shortest = Math.min(shortest, longest);
    let kept: readonly (EncodedRow | undefined)[] = whole;
    if (longest > limit) {
      if (overflow === 'error') throw tooLong(where, longest, limit);
      long++;
      if (places.length < 10) places.push(where);
      kept = overflow === 'cut' ? sides.map((answers, i) => fit(encoder, prompt, answers, whole[i] as EncodedRow)) : [];
      lost += tokensOf(whole) - tokensOf(kept);
    }
    const [first, second] = kept;
    // cut to the same tokens, two answers say nothing
    if (first && second && !sameIds(first, second)) pairs.push({ first, second, target, margin, weight });
  }
  if (pairs.length === 0) {
    const fix = 'Use a model with a longer context, or overflow cut';
    throw new DataError({
      where: data.where(0),
      what: `all ${rows.length} pairs are longer than the model`,
      got: `${shortest} tokens in the shortest`,
      wanted: `at most ${limit}`,
      fix,
    });
  }
  return { pairs, overflow: { rows: long, tokens: lost, where: places } };
}

const fit = (
  encoder: AnswerEncoder,
  prompt: string,
  answers: readonly string[],
  whole: EncodedRow,
): EncodedRow | undefined => (whole.ids.length <= encoder.limit ? whole : encoder.cut(prompt, answers));

const tokensOf = (rows: readonly (EncodedRow | undefined)[]): number =>
  rows.reduce((total, row) => total + (row?.ids.length ?? 0), 0);

const sameIds = (a: EncodedRow, b: EncodedRow): boolean =>
  a.ids.length === b.ids.length && a.ids.every((id, i) => id === b.ids[i]);

/** A row that the model has no room for. */
export const tooLong = (where: string, got: number, limit: number): DataError =>
  new DataError({
    where,
    what: 'prompt and answer are longer than the model',
    got: `${got} tokens`,
    wanted: `at most ${limit}`,
    fix: 'Shorten it (of samples: fewer new tokens), or use a model with a longer context; training can leave such rows out (overflow drop)',
  });
