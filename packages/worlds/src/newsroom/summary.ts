// A summary: `[style] subject verb object .` for each clause, where a verb may be a synonym and an object its category.
// Reading never throws: what a model writes may be anything, and what has no such form is a malformed clause.
import { newsroomIds, splitWords, type Vocabulary } from './vocabulary.ts';

/** What a well-formed clause says, as indices within the word classes; exactly one of object and category is given. */
export interface Clause {
  readonly subject: number;
  readonly verb: number;
  readonly object?: number;
  readonly category?: number;
}

export interface Summary {
  /** The style word that opens it, or undefined. */
  readonly style: number | undefined;
  /** Its clauses in order; undefined where one is malformed. */
  readonly clauses: readonly (Clause | undefined)[];
}

/** Splits at each dot; words after the last dot are a malformed clause, for it has no end. */
export function readSummary(text: string, vocabulary: Vocabulary): Summary {
  const dot = vocabulary.words[newsroomIds.dot] as string;
  const words = splitWords(text);
  const first = words[0] === undefined ? undefined : vocabulary.classify(words[0]);
  const style = first?.kind === 'style' ? first.index : undefined;
  const clauses: (Clause | undefined)[] = [];
  let sentence: string[] = [];
  for (const word of style === undefined ? words : words.slice(1)) {
    if (word !== dot) {
      sentence.push(word);
      continue;
    }
    clauses.push(readClause(sentence, vocabulary));
    sentence = [];
  }
  if (sentence.length > 0) clauses.push(undefined);
  return { style, clauses };
}

function readClause(sentence: readonly string[], { classify }: Vocabulary): Clause | undefined {
  if (sentence.length !== 3) return undefined;
  const [s, v, o] = sentence.map((word) => classify(word));
  if (s?.kind !== 'subject' || (v?.kind !== 'verb' && v?.kind !== 'synonym')) return undefined;
  if (o?.kind === 'object') return { subject: s.index, verb: v.index, object: o.index };
  if (o?.kind === 'category') return { subject: s.index, verb: v.index, category: o.index };
  return undefined;
}
