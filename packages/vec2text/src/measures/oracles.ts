// What is known of texts, and its answers: one that is none would be a wrong number, or NaN, without a word.
import { refusal } from '../internal/refuse.ts';

/** What is known of texts: of a toy language by its parser, of real text by models. None may be a promise. */
export interface Oracles<M> {
  /** Whether it is a text of the language. */
  valid(text: string): boolean;
  /** Its meaning; undefined for a text that has none. */
  sem(text: string): M | undefined;
  /** How much two meanings have in common, in [0, 1]: the share of equal slots, or a similarity. 1: the same. */
  agree(a: M, b: M): number;
  /** The parts of a meaning, where it has parts: what slot entropies and interpolations are measured by. */
  slots?(meaning: M): readonly (number | string)[];
}

/** Oracles that refuse what is no answer; what `agree` gives is looked at where it is used. @throws ConfigError (`CONFIG`) */
export function checkedOracles<M>(where: string, o: Oracles<M>): Oracles<M> {
  return {
    valid: (text) => {
      const answer = o.valid(text);
      if (typeof answer === 'boolean') return answer;
      throw noAnswer(`${where}.valid`, ` of ‘${text}’`, answer, 'true or false');
    },
    sem: (text) => {
      const answer = o.sem(text);
      if (answer !== null && !isPromise(answer) && !Number.isNaN(answer)) return answer;
      throw noAnswer(`${where}.sem`, ` of ‘${text}’`, answer, 'a meaning, or undefined for a text that has none');
    },
    agree: (a, b) => o.agree(a, b),
    ...(o.slots && { slots: (meaning: M) => partsOf(where, o, meaning) }),
  };
}

function partsOf<M>(where: string, o: Oracles<M>, meaning: M): readonly (number | string)[] {
  const answer = o.slots?.(meaning);
  if (Array.isArray(answer)) return answer;
  throw noAnswer(`${where}.slots`, ` of ${JSON.stringify(meaning)}`, answer, 'a list of the parts of a meaning');
}

const isPromise = (answer: unknown): boolean => typeof (answer as PromiseLike<unknown> | null)?.then === 'function';

const noAnswer = (where: string, of: string, answer: unknown, wanted: string) =>
  refusal('CONFIG', {
    where,
    what: `its answer${of} is none`,
    got: isPromise(answer) ? 'a promise' : answer,
    wanted,
    ...(isPromise(answer) && { fix: 'Ask before measuring, and look the answer up' }),
  });
