/** What of a tokenizer distillation looks at: which token each id is. Same size is not same vocabulary. */
import { ConfigError, DataError, type TextCodec } from '@gimbal/tensor-core';

/** A tokenizer; language-models' `Tokenizer` is one. */
export interface Vocabulary extends TextCodec {
  /** one more than the largest id */
  readonly size: number;
  /** ids by role */
  readonly special: { readonly eos: number | undefined; readonly pad?: number | undefined };
  /** written as in the vocabulary */
  token(id: number): string | undefined;
  /** stands before every text */
  readonly begin?: readonly number[];
  /** stands between a prompt and its completion; default nothing */
  readonly promptSuffix?: string;
  /** the ids of one text without special tokens; default the row that `encode` gives */
  encodeText?(text: string): ArrayLike<number>;
  /** how texts are rewritten before they are split */
  readonly json?: { readonly normalizer?: unknown };
}

/**
 * A hash of what must be equal for two models to be compared token by token: the token of each id, the id that ends, the
 * normaliser. Not the id that fills up: padding is told by lengths and is never compared. 64 bits (FNV-1a), in hexadecimal.
 */
export function tokenizerHash(t: Vocabulary): string {
  let hash = 0xcbf29ce484222325n;
  const add = (text: string): void => {
    for (let i = 0; i < text.length; i++) {
      hash ^= BigInt(text.charCodeAt(i));
      hash = BigInt.asUintN(64, hash * 0x100000001b3n);
    }
    hash = BigInt.asUintN(64, (hash ^ 0xffffn) * 0x100000001b3n);
  };
  for (let id = 0; id < t.size; id++) add(t.token(id) ?? '');
  add(`${t.special.eos}`);
  add(JSON.stringify(t.json?.normalizer ?? null));
  return hash.toString(16).padStart(16, '0');
}

/**
 * Refuses two tokenizers that are not one, naming the first difference.
 * @throws ConfigError
 */
export function checkSameVocabulary(student: Vocabulary, teacher: Vocabulary): void {
  const fix = 'Use models with one tokenizer, or pass alignment';
  for (let id = 0; id < Math.min(student.size, teacher.size); id++) {
    const [own, other] = [student.token(id), teacher.token(id)];
    if (own === other) continue;
    throw new ConfigError({
      where: 'gkd',
      what: `token ${id} is ${JSON.stringify(own)} to the student, another to the teacher`,
      got: other,
      wanted: own,
      fix,
    });
  }
  const refuse = (what: string, own: unknown, other: unknown): void => {
    if (own !== other)
      throw new ConfigError({ where: 'gkd', what, got: `teacher ${other}`, wanted: `student ${own}`, fix });
  };
  const longer = student.size > teacher.size ? student : teacher;
  const least = Math.min(student.size, teacher.size);
  const more = `the ${longer === student ? 'student’s' : 'teacher’s'} token ${least} is ${JSON.stringify(longer.token(least))}, which the other has not`;
  refuse(`student and teacher have vocabularies of different sizes: ${more}`, student.size, teacher.size);
  refuse('student and teacher end their texts differently', student.special.eos, teacher.special.eos);
  const normalizer = (t: Vocabulary): string => JSON.stringify(t.json?.normalizer ?? null);
  refuse('student and teacher normalise texts differently', normalizer(student), normalizer(teacher));
}

/** Ids of a prompt as the model reads it. */
export function promptIds(t: Vocabulary, prompt: string): number[] {
  return [...(t.begin ?? []), ...idsOf(t, prompt + (t.promptSuffix ?? ''))];
}

/** Ids of a completion, its end included. @throws DataError where there is no token that ends it */
export function completionIds(t: Vocabulary, completion: string): number[] {
  const { eos } = t.special;
  if (eos === undefined)
    throw new DataError({ where: 'gkd', what: 'the tokenizer has no end-of-text token', fix: 'Name one as eos_token' });
  return [...idsOf(t, completion), eos];
}

export function idsOf(t: Vocabulary, text: string): number[] {
  if (t.encodeText !== undefined) return Array.from(t.encodeText(text));
  const { ids, lengths } = t.encode([text]);
  return Array.from(ids.subarray(0, lengths[0]));
}
