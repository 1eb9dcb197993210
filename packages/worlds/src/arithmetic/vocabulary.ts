// The words of the arithmetic world: `7 +1 +3 -1 -3 +1 =`, answered `8 1 0 7 8`.
import { WorldError } from '../errors.ts';
import type { ArithmeticSettings } from './options.ts';

/** First ids of each class of words. */
export interface ArithmeticIds {
  readonly pad: number;
  readonly eos: number;
  readonly equals: number;
  /** The id of digit 0. */
  readonly digit: number;
  /** The id of the first operation. */
  readonly operation: number;
}

export function arithmeticVocabulary(s: ArithmeticSettings): {
  words: readonly string[];
  ids: ArithmeticIds;
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
} {
  const ids = { pad: 0, eos: 1, equals: 2, digit: 3, operation: 3 + s.modulus };
  const words = [
    '<pad>',
    '<eos>',
    '=',
    ...Array.from({ length: s.modulus }, (_, digit) => `${digit}`),
    ...s.operations.map((k) => (k < 0 ? `${k}` : `+${k}`)),
  ];
  const known = new Map(words.map((word, id) => [word, id]));
  return {
    words,
    ids,
    encode: (text) =>
      Int32Array.from(text.split(/\s+/).filter(Boolean), (word) => {
        const id = known.get(word);
        if (id !== undefined) return id;
        throw new WorldError('data', { where: 'arithmetic.encode', what: 'unknown word', got: word, wanted: words });
      }),
    decode(list) {
      const text: string[] = [];
      for (let i = 0; i < list.length; i++) {
        const word = words[list[i] as number];
        if (word === undefined) {
          const wanted = `0 to ${words.length - 1}`;
          throw new WorldError('data', {
            where: 'arithmetic.decode',
            what: `no word has the id at ${i}`,
            got: list[i],
            wanted,
          });
        }
        if ((list[i] as number) > ids.eos) text.push(word);
      }
      return text.join(' ');
    },
  };
}
