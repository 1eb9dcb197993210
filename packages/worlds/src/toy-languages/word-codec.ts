// Words and their ids: marks first, then the words of the languages that share the vocabulary.
import { WorldError } from '../errors.ts';

/** A closed vocabulary of words. */
export interface WordCodec {
  /** The word of each id. */
  readonly words: readonly string[];
  /** @throws WorldError (`data`) naming the first unknown word */
  encode(text: string): Int32Array;
  /** Leaves out the marks. @throws WorldError (`data`) for an id outside the vocabulary */
  decode(ids: ArrayLike<number>): string;
}

/** The words of a sentence. */
export const splitWords = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/**
 * Makes the vocabulary.
 * @param where the world, for errors
 * @param marks words that are no part of a text, such as `<eos>`; they get the first ids
 */
export function wordCodec(where: string, marks: readonly string[], words: readonly string[]): WordCodec {
  const all = [...marks, ...words];
  const known = new Map(all.map((word, id) => [word, id]));
  return {
    words: all,
    encode: (text) =>
      Int32Array.from(splitWords(text), (word) => {
        const id = known.get(word);
        if (id !== undefined) return id;
        const fix = 'Texts of this world are its own words joined by spaces.';
        throw new WorldError('data', { where: `${where}.encode`, what: 'unknown word', got: word, fix });
      }),
    decode(list) {
      const text: string[] = [];
      for (let i = 0; i < list.length; i++) {
        const word = all[list[i] as number];
        if (word === undefined) {
          const wanted = `0 to ${all.length - 1}`;
          const what = `no word has the id at ${i}`;
          throw new WorldError('data', { where: `${where}.decode`, what, got: list[i], wanted });
        }
        if ((list[i] as number) >= marks.length) text.push(word);
      }
      return text.join(' ');
    },
  };
}
