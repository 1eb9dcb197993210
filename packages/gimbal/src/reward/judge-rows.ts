// Rows of a judge, looked at before a model is opened: texts that are empty, labels that are none of the classes.
import type { Dataset } from '@gimbal/language-models';
import { DataError } from '@gimbal/tensor-core';

/** Classes of a judge where --labels names none. */
export const judgeLabels: readonly string[] = ['entailment', 'neutral', 'contradiction'];

/**
 * Checks labelled pairs of texts against the classes, as labelledRows will read them.
 * @returns what is to be said of labels that are numbers: they count classes in the order of --labels, and data sets differ
 * @throws DataError naming file and line of an empty text, or of a label that is no class and no index of one
 */
export function checkJudgeRows(data: Dataset, labels: readonly string[]): string | undefined {
  const known = new Set(labels.map((label) => label.toLowerCase()));
  let numbers = 0;
  data.rows.forEach((row, i) => {
    const { premise, hypothesis, label } = row as Record<'premise' | 'hypothesis' | 'label', unknown>;
    const where = data.where(i);
    for (const [name, text] of Object.entries({ premise, hypothesis })) {
      if (String(text).trim() === '')
        throw new DataError({ where, what: `the ${name} is empty`, wanted: 'a text', fix: 'Leave the row out' });
    }
    if (labels.length === 1) return; // values
    const isIndex = Number.isInteger(label) && (label as number) >= 0 && (label as number) < labels.length;
    if (isIndex) numbers++;
    if (isIndex || (typeof label !== 'number' && known.has(String(label).toLowerCase()))) return;
    throw new DataError({
      where,
      what: 'the label is none of the classes',
      got: label,
      wanted: labels.join(', '),
      fix: 'Name your classes, in the order of their numbers, with --labels; one is entailment',
    });
  });
  if (numbers === 0) return undefined;
  return `labels that are numbers are read as ${labels.map((label, i) => `${i} ${label}`).join(', ')}: if yours are in another order, give --labels`;
}
