// The world `arithmetic`: running results of a chain of additions modulo ten, with an exact teacher. After G4 of the
// generalised knowledge distillation experiments (arXiv 2306.13649 in miniature): a student that slips once must go on
// from its own result, which only a teacher that is asked about the student's prefix can show it.
import { WorldError } from '../errors.ts';
import type { Rng } from '../rng.ts';
import { type ArithmeticOptions, type ArithmeticSettings, arithmeticSettings } from './options.ts';
import { drawProblems, type Problem, solve } from './problem.ts';
import { nextDistribution } from './teacher.ts';
import { arithmeticVocabulary } from './vocabulary.ts';

/** Chains of additions and subtractions modulo `modulus`, their solutions, and a teacher whose distribution is known. */
export interface Arithmetic {
  /** The options, defaults filled in. */
  readonly settings: ArithmeticSettings;
  /** The word of each id: `<pad>`, `<eos>`, `=`, the digits, the operations; 17 in preset `chain`. */
  readonly vocabulary: readonly string[];
  /** Ids of the words that are no number and no operation. */
  readonly ids: { readonly pad: number; readonly eos: number; readonly equals: number };
  /** Tokens of a prompt: the start, the operations and `=`; 7 in preset `chain`. */
  readonly promptLength: number;
  /** Tokens of an answer: the running results and `<eos>`; 6 in preset `chain`. */
  readonly answerLength: number;
  /** Draws `n` problems, all different and none of `except` (prompts). @throws WorldError if there are not so many */
  problems(n: number, rng: Rng, o?: { except?: ReadonlySet<string> }): Problem[];
  /** The ids of a text of this world's words. @throws WorldError (`data`) naming an unknown word */
  encode(text: string): Int32Array;
  /** The text of ids, without `<pad>` and `<eos>`. */
  decode(ids: ArrayLike<number>): string;
  /** The right answer of a prompt, as text. @throws WorldError (`data`) for a prompt of another form */
  answer(prompt: string): string;
  /** Whether `completion` is the right answer, word for word. */
  check(prompt: string, completion: string): boolean;
  /**
   * The teacher's next-token distribution after any prefix whose first `promptLength` ids are a prompt.
   * @returns probabilities [V], float64, sum 1
   */
  next(prefix: ArrayLike<number>, promptLength: number): Float64Array;
}

/**
 * Makes the arithmetic world.
 * @throws WorldError (`config`) for an unknown or impossible option
 * @example
 * const world = arithmetic();
 * world.answer('7 +1 +3 -1 -3 +1 ='); // '8 1 0 7 8'
 */
export function arithmetic(o: ArithmeticOptions = {}): Arithmetic {
  const settings = arithmeticSettings(o);
  const { words, ids, encode, decode } = arithmeticVocabulary(settings);
  const promptLength = settings.steps + 2;

  const answer = (prompt: string): string => {
    const list = encode(prompt);
    const start = (list[0] ?? 0) - ids.digit;
    const operations = Array.from(list.slice(1, -1), (id) => id - ids.operation);
    const readable =
      list.length === promptLength &&
      list.at(-1) === ids.equals &&
      start >= 0 &&
      start < settings.modulus &&
      operations.every((k) => k >= 0 && k < settings.operations.length);
    if (!readable) {
      throw new WorldError('data', {
        where: 'arithmetic.answer',
        what: 'a prompt of another form',
        got: prompt,
        wanted: `a digit, ${settings.steps} operations and =`,
      });
    }
    return solve(start, operations, settings).join(' ');
  };

  return {
    settings,
    vocabulary: words,
    ids: { pad: ids.pad, eos: ids.eos, equals: ids.equals },
    promptLength,
    answerLength: settings.steps + 1,
    problems: (n, rng, options = {}) => drawProblems(n, settings, rng, options.except),
    encode,
    decode,
    answer,
    check: (prompt, completion) => completion.trim().split(/\s+/).join(' ') === answer(prompt),
    next: (prefix, length) => nextDistribution(prefix, length, settings, ids, words.length),
  };
}
