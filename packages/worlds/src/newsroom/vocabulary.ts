// The newsroom's words. Every id has a word and every row exists as ids and as text: words joined by single spaces.
import { WorldError } from '../errors.ts';
import type { NewsroomSettings } from './options.ts';

const SUBJECTS =
  'mayor pilot baker nurse judge farmer singer doctor painter sailor teacher lawyer driver tailor miner poet';
const VERBS = 'bought praised hid repaired borrowed sold';
const SYNONYMS = 'purchased lauded concealed fixed loaned traded'; // SYNONYMS[k] means VERBS[k]
const OBJECTS = `apple pear plum cherry hammer saw drill wrench bus tram ferry truck
  violin flute drum harp coat scarf hat glove chair table shelf lamp`;
const CATEGORIES = 'fruit tool vehicle instrument garment furniture';
const STYLES = 'briefly officially reportedly';

/** Ids that are no words of a text. `pol` is reserved for experiments and never drawn. */
export const newsroomIds = { pad: 0, bos: 1, sep: 2, eos: 3, dot: 4, head: 5, pol: 6 } as const;
const MARKS = ['<pad>', '<bos>', '<sep>', '<eos>', '.', 'headline', '<pol>'];

/** What a word is: its class and its index within the class (a synonym has its verb's index). */
export type WordClass = 'mark' | 'subject' | 'verb' | 'synonym' | 'object' | 'category' | 'style';

export interface Vocabulary {
  /** The word of each id. */
  readonly words: readonly string[];
  /** Subjects, verbs, … by index. */
  readonly by: Readonly<Record<Exclude<WordClass, 'mark'>, readonly string[]>>;
  /** What a word is, or undefined for a word of no class here. */
  classify(word: string): { readonly kind: WordClass; readonly index: number } | undefined;
  /** @throws WorldError (`data`) naming the first unknown word */
  encode(text: string): Int32Array;
  /** Leaves out `<pad>`, `<bos>`, `<sep>` and `<eos>`. @throws WorldError (`data`) for an id outside the vocabulary */
  decode(ids: ArrayLike<number>): string;
}

/** Builds the vocabulary: marks, subjects, verbs, synonyms, objects, categories, styles, in this order. */
export function newsroomVocabulary(s: NewsroomSettings): Vocabulary {
  const by = {
    subject: take(SUBJECTS, 'subject', s.subjects),
    verb: take(VERBS, 'verb', s.verbs),
    synonym: s.synonyms ? take(SYNONYMS, 'synonym', s.verbs) : [],
    object: take(OBJECTS, 'object', s.objects),
    category: s.categorySize === 0 ? [] : take(CATEGORIES, 'category', Math.ceil(s.objects / s.categorySize)),
    style: take(STYLES, 'style', s.styles),
  };
  const classes: [WordClass, readonly string[]][] = [
    ['mark', MARKS],
    ...(Object.entries(by) as [WordClass, string[]][]),
  ];
  const words = classes.flatMap(([, list]) => list);
  const kinds = new Map(classes.flatMap(([kind, list]) => list.map((word, index) => [word, { kind, index }] as const)));
  const ids = new Map(words.map((word, id) => [word, id]));

  return {
    words,
    by,
    classify: (word) => kinds.get(word),
    encode(text) {
      return Int32Array.from(splitWords(text), (word) => {
        const id = ids.get(word);
        if (id !== undefined) return id;
        throw new WorldError('data', {
          where: 'newsroom.encode',
          what: 'a word is not in the vocabulary',
          got: word,
          fix: 'Texts of this world are its own words joined by spaces.',
        });
      });
    },
    decode(list) {
      const text: string[] = [];
      for (let i = 0; i < list.length; i++) {
        const word = words[list[i] as number];
        if (word === undefined) {
          const wanted = `0 to ${words.length - 1}`;
          throw new WorldError('data', {
            where: 'newsroom.decode',
            what: `no word has the id at ${i}`,
            got: list[i],
            wanted,
          });
        }
        if ((list[i] as number) > newsroomIds.eos) text.push(word);
      }
      return text.join(' ');
    },
  };
}

/** The words of a text; none for an empty one. */
export const splitWords = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** The first `n` words of a list, then numbered ones for inventories larger than it. */
function take(list: string, kind: string, n: number): string[] {
  const known = splitWords(list);
  return Array.from({ length: n }, (_, i) => known[i] ?? `${kind}${i}`);
}
