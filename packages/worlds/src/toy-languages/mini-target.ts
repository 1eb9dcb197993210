// The language that `mini` translates into: noun adjective noun adjective verb. Adjectives agree with the class of their
// noun (-o or -a), and every word is of one of two registers, plain or polite (-n), which a sentence must not mix.
import { drawIndex } from '../internal/draw.ts';
import type { ToyLanguage } from './language.ts';
import { drawMiniMeaning, type MiniMeaning } from './mini-meaning.ts';
import { splitWords } from './word-codec.ts';

/** Which register a sentence keeps to. */
export interface MiniSurface {
  /** 0 plain, 1 polite. */
  readonly register: 0 | 1;
}

// nouns 0 to 4 are of class -o, 5 to 9 of class -a
const NOUNS = 'kano gato kaballo pajro pesko rata loba osa zorra lebra'.split(' ');
const ADJECTIVES = 'grand chik viej rapid kiet'.split(' ');
const VERBS = 'vide oje sege nutre trove teme'.split(' ');
const REGISTERS = ['', 'n'] as const;

const classEnding = (noun: number): string => (noun < NOUNS.length / 2 ? 'o' : 'a');

/**
 * The target language, with the probabilities of its registers.
 * @param registerRates P(plain), P(polite)
 */
export function miniTarget(registerRates: readonly [number, number]): ToyLanguage<MiniMeaning, MiniSurface> {
  const drawSurface: ToyLanguage<MiniMeaning, MiniSurface>['drawSurface'] = (rng) => ({
    register: drawIndex(registerRates, rng) as 0 | 1,
  });
  return {
    name: 'mini target',
    words: REGISTERS.flatMap((r) => [
      ...NOUNS.map((noun) => noun + r),
      ...ADJECTIVES.flatMap((adjective) => ['o', 'a'].map((ending) => adjective + ending + r)),
      ...VERBS.map((verb) => verb + r),
    ]),
    generate: (rng) => ({ meaning: drawMiniMeaning(rng), surface: drawSurface(rng) }),
    drawSurface,
    realise(m, { register }) {
      const phrase = (noun: number, adjective: number): string[] => [
        NOUNS[noun] as string,
        (ADJECTIVES[adjective] as string) + classEnding(noun),
      ];
      const stems = [...phrase(m.subject, m.subjectAdjective), ...phrase(m.object, m.objectAdjective), VERBS[m.verb]];
      return stems.map((stem) => `${stem}${REGISTERS[register]}`).join(' ');
    },
    parse(text) {
      const words = splitWords(text);
      const register = words[0]?.endsWith('n') ? 1 : 0;
      if (words.length !== 5 || words.some((word) => word.endsWith('n') !== (register === 1))) return undefined;
      const [noun1, adjective1, noun2, adjective2, verb] = words.map((w) => (register ? w.slice(0, -1) : w)) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const meaning = {
        subjectAdjective: ADJECTIVES.indexOf(adjective1.slice(0, -1)),
        subject: NOUNS.indexOf(noun1),
        verb: VERBS.indexOf(verb),
        objectAdjective: ADJECTIVES.indexOf(adjective2.slice(0, -1)),
        object: NOUNS.indexOf(noun2),
      };
      const agrees =
        adjective1.endsWith(classEnding(meaning.subject)) && adjective2.endsWith(classEnding(meaning.object));
      return agrees && Object.values(meaning).every((i) => i >= 0) ? { meaning, surface: { register } } : undefined;
    },
  };
}
