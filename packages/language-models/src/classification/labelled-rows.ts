// Rows with labels as tokens, for a classifier.
import { DataError } from '@gimbal/tensor-core';
import { type Dataset, isKind } from '../data/rows.ts';
import { frame, templateOf } from '../tokenizer/template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ClassificationProblem } from './classifier.ts';

/** One row: its tokens, and its class by index, or its value where there is one label. */
export interface LabelledRow {
  /** The tokenizer's special tokens included. */
  readonly ids: Int32Array;
  /** 0 for the tokens of the first text, 1 for those of the second. */
  readonly types: Int32Array;
  /** Index of the class, or the label's value; of a multi-label problem a 1 or 0 for each class. */
  readonly target: number | readonly number[];
}

/** Encoded rows, and which of them were too long. */
export interface LabelledRows {
  /** In the order of the data. */
  readonly rows: readonly LabelledRow[];
  /** Rows whose longer text lost its end. */
  readonly cut: { readonly rows: number; readonly where: readonly string[] };
}

/**
 * Encodes labelled texts or pairs with the tokenizer's special tokens. `labels` are the classes: a row's label is one of
 * them in any letter case, or its index; with one class, labels are numbers. Of a multi-label `problem` a row's label is a
 * list of classes, which may be empty, or one of them. `limit` is the longest row in tokens: a
 * longer one loses the end of its longer text and is counted.
 * @throws DataError for rows of another kind, or naming the place of a label that is none of these
 */
export function labelledRows(
  data: Dataset,
  tokenizer: Tokenizer,
  { labels, limit, problem }: { labels: readonly string[]; limit: number; problem?: ClassificationProblem },
): LabelledRows {
  const template = templateOf(tokenizer.json.post_processor);
  const index = new Map(labels.map((label, i) => [label.toLowerCase(), i]));
  const where: string[] = [];
  let long = 0;
  const target = (label: unknown, place: string): number | readonly number[] => {
    if (problem === 'multi-label') {
      const has = new Set((Array.isArray(label) ? label : [label]).map((one) => classOf(one, place)));
      return labels.map((_, i) => Number(has.has(i)));
    }
    if (labels.length === 1) {
      const value = typeof label === 'string' && label.trim() === '' ? Number.NaN : Number(label);
      if (Number.isFinite(value) && !Array.isArray(label)) return value;
      throw new DataError({ where: place, what: 'the label is no number', got: label, wanted: 'a number' });
    }
    return classOf(label, place);
  };
  const classOf = (label: unknown, place: string): number => {
    const found = typeof label === 'number' || Array.isArray(label) ? label : index.get(String(label).toLowerCase());
    if (typeof found === 'number' && Number.isInteger(found) && found >= 0 && found < labels.length) return found;
    throw new DataError({
      where: place,
      what: 'the label is none of the model’s',
      got: label,
      wanted: labels.join(', '),
    });
  };
  const pairs = isKind(data, 'labelled-pair');
  if (!pairs && !isKind(data, 'labelled-text')) {
    throw new DataError({
      where: data.where(0),
      what: 'rows of this kind have no label',
      got: data.kind,
      wanted: 'labelled-text or labelled-pair',
      fix: 'Name the columns, for example --columns text=review,label=stars',
    });
  }
  const rows = data.rows.map((row, i) => {
    const [a, b] = (pairs ? [row.premise, row.hypothesis] : [row.text]) as [string, string?];
    const ids = [a, ...(b === undefined ? [] : [b])].map((text) => tokenizer.encodeText(text)) as [
      Int32Array,
      Int32Array?,
    ];
    const framed = frame(template, ids[0], ids[1], limit);
    const whole = frame(template, new Int32Array(), b === undefined ? undefined : new Int32Array()).ids.length;
    if (whole + ids[0].length + (ids[1]?.length ?? 0) > limit) {
      long++;
      if (where.length < 10) where.push(data.where(i));
    }
    return { ...framed, target: target(row.label, data.where(i)) };
  });
  return { rows, cut: { rows: long, where } };
}
