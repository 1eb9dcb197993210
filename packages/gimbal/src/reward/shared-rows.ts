// Rows of one content in two parts of the data: what was trained on says nothing of how good a model is on others.
import type { Dataset } from '@gimbal/language-models';
import { DataError } from '@gimbal/tensor-core';

/**
 * The texts of a row, in whatever order its columns stand and whichever of two answers is called the better; its label, its
 * weights and columns of the user's apart.
 */
function contentOf(row: object): string {
  const { prompt, chosen, rejected, premise, hypothesis } = row as Record<string, unknown>;
  const answers = [chosen, rejected].map((answer) => JSON.stringify(answer) ?? '').sort();
  return JSON.stringify([prompt, answers, premise, hypothesis]);
}

/** Indices of rows of `some` whose content stands in `other` too. */
export function sharedRows(some: readonly object[], other: readonly object[]): number[] {
  const known = new Set(other.map(contentOf));
  return some.flatMap((row, i) => (known.has(contentOf(row)) ? [i] : []));
}

/** @throws DataError naming the first row of --test that is in --data too */
export function refuseShared(data: Dataset, test: Dataset): void {
  const [shared] = sharedRows(test.rows, data.rows);
  if (shared === undefined) return;
  const fix = 'Leave it out of one of the two';
  throw new DataError({ where: test.where(shared), what: 'this row of --test is in --data too', fix });
}

/** Says how many rows of one part stand in another too, which makes its accuracy too high. */
export function noteShared(name: string, part: Dataset, training: Dataset, note: (text: string) => void): void {
  const shared = sharedRows(part.rows, training.rows);
  const [first] = shared;
  if (first === undefined) return;
  const is = shared.length === 1 ? 'is' : 'are';
  note(
    `warning: ${shared.length} of ${part.rows.length} ${name} rows ${is} among the others too, as ${part.where(first)}: their accuracy is too high`,
  );
}
