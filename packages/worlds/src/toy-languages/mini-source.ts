// The language that `mini` translates from: adjective noun verb adjective noun, one way to say each meaning.
import type { ToyLanguage } from './language.ts';
import { drawMiniMeaning, type MiniMeaning } from './mini-meaning.ts';
import { splitWords } from './word-codec.ts';

const NOUNS = 'dog cat horse bird fish mouse wolf bear fox hare'.split(' ');
const ADJECTIVES = 'big small old quick quiet'.split(' ');
const VERBS = 'sees hears follows feeds finds fears'.split(' ');

/** One sentence a meaning, so there is nothing to choose. */
export const miniSource: ToyLanguage<MiniMeaning, Record<never, never>> = {
  name: 'mini source',
  words: [...NOUNS, ...ADJECTIVES, ...VERBS],
  generate: (rng) => ({ meaning: drawMiniMeaning(rng), surface: {} }),
  drawSurface: () => ({}),
  realise: (m) =>
    [
      ADJECTIVES[m.subjectAdjective],
      NOUNS[m.subject],
      VERBS[m.verb],
      ADJECTIVES[m.objectAdjective],
      NOUNS[m.object],
    ].join(' '),
  parse(text) {
    const words = splitWords(text);
    const meaning = {
      subjectAdjective: ADJECTIVES.indexOf(words[0] as string),
      subject: NOUNS.indexOf(words[1] as string),
      verb: VERBS.indexOf(words[2] as string),
      objectAdjective: ADJECTIVES.indexOf(words[3] as string),
      object: NOUNS.indexOf(words[4] as string),
    };
    return words.length === 5 && Object.values(meaning).every((i) => i >= 0) ? { meaning, surface: {} } : undefined;
  },
};
