// Whether texts are the same, and how varied they are.
import { type References, referencesOf } from './check.ts';

/** What counts as the same text. */
export interface ExactMatchOptions {
  /** Leave letter case, punctuation, articles and extra white space out, as SQuAD does (false). */
  normalize?: boolean;
}

const normalizeAnswer = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/\b(?:a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ');

/**
 * 1 for each prediction that equals one of its references, else 0.
 * @throws DataError where predictions and references differ in number
 */
export function exactMatch(
  predictions: readonly string[],
  references: References,
  { normalize = false }: ExactMatchOptions = {},
): number[] {
  const form = normalize ? normalizeAnswer : (text: string) => text.trim();
  const lists = referencesOf('exactMatch', predictions, references);
  return predictions.map((prediction, i) =>
    Number((lists[i] ?? []).some((reference) => form(reference) === form(prediction))),
  );
}

/**
 * Share of the runs of `n` words in all texts that are different (Li et al., arXiv 1510.03055); 0 where there is none.
 */
export function distinctN(texts: readonly string[], n: number): number {
  const seen = new Set<string>();
  let count = 0;
  for (const text of texts) {
    const words = text.split(/\s+/).filter((word) => word !== '');
    for (let i = 0; i + n <= words.length; i++, count++) seen.add(words.slice(i, i + n).join(' '));
  }
  return count === 0 ? 0 : seen.size / count;
}
