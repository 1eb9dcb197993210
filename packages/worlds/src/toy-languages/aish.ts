// Aish: an English of known meaning, the source language of the text-from-vectors experiments (after arXiv 2209.06792 in
// miniature). A meaning has eight slots; up to 1,024 sentences say it. Read any sentence back and its meaning is known.
import { drawOther } from '../internal/draw.ts';
import type { Rng } from '../rng.ts';
import { aishParser, realiseAish } from './aish-grammar.ts';
import { type AishLexicon, aishLexicons } from './aish-lexicon.ts';
import {
  type AishMeaning,
  type AishSlot,
  type AishSurface,
  agreement,
  aishSlots,
  drawMeaning,
  drawSurface,
  slotSizes,
  surfaceOf,
} from './aish-meaning.ts';
import type { ToyLanguage, Utterance } from './language.ts';

/** A meaning and a wording. */
export type AishSentence = Utterance<AishMeaning, AishSurface>;

/** Sentences of eight slots, and the truth about them. */
export interface Aish extends ToyLanguage<AishMeaning, AishSurface> {
  /** `typed`: persons act on things; `reversible`: both are one set of nouns, so only order and voice tell who did it. */
  readonly variant: 'typed' | 'reversible';
  /** Whether it is a sentence. */
  valid(text: string): boolean;
  /** Its meaning; undefined for a text that is no sentence. */
  sem(text: string): AishMeaning | undefined;
  /** Share of equal slots. */
  agree(a: AishMeaning, b: AishMeaning): number;
  /** The same meaning in a fresh wording, which may be the same. @returns undefined for a text that is no sentence */
  paraphrase(text: string, rng: Rng): string | undefined;
  /** The same wording with one of agent, verb and patient changed. @returns undefined for a text that is no sentence */
  edit(text: string, rng: Rng): string | undefined;
  /** Draws `n` sentences; of those with `except`, none has a meaning of these sentences. */
  sentences(n: number, rng: Rng, o?: { except?: readonly string[] }): string[];
}

/** A meaning as a text of numbers, to compare by. */
export const meaningKey = (m: AishMeaning): string => aishSlots.map((slot) => m[slot]).join(' ');

const edited = ['agent', 'verb', 'patient'] as const satisfies readonly AishSlot[];

/** The wording with bits that say nothing set to 0, as a parser gives it. */
const applied = (m: AishMeaning, s: AishSurface): AishSurface => surfaceOf(m, (bit) => s[bit]);

/** Makes Aish of one variant. */
export function makeAish(variant: 'typed' | 'reversible'): Aish {
  const lexicon = aishLexicons[variant];
  const distinct = variant === 'reversible';
  const parse = aishParser(lexicon, distinct);
  const realise = (m: AishMeaning, s: AishSurface): string => realiseAish(lexicon, m, s);
  const generate = (rng: Rng): AishSentence => {
    const meaning = drawMeaning(rng, distinct);
    return { meaning, surface: applied(meaning, drawSurface(rng)) };
  };
  return {
    variant,
    name: `aish ${variant}`,
    words: wordsOf(lexicon),
    generate,
    drawSurface,
    realise,
    parse,
    valid: (text) => parse(text) !== undefined,
    sem: (text) => parse(text)?.meaning,
    agree: agreement,
    paraphrase(text, rng) {
      const meaning = parse(text)?.meaning;
      return meaning && realise(meaning, drawSurface(rng));
    },
    edit(text, rng) {
      const found = parse(text);
      if (found === undefined) return undefined;
      const { meaning, surface } = found;
      for (;;) {
        const slot = edited[rng.int(3)] as (typeof edited)[number];
        const changed = { ...meaning, [slot]: drawOther(slotSizes[slot], meaning[slot], rng) };
        if (!distinct || changed.agent !== changed.patient) return realise(changed, surface);
      }
    },
    sentences(n, rng, { except = [] } = {}) {
      const taken = new Set(except.map((text) => meaningOf(parse, text)));
      const drawn: string[] = [];
      while (drawn.length < n) {
        const { meaning, surface } = generate(rng);
        if (!taken.has(meaningKey(meaning))) drawn.push(realise(meaning, surface));
      }
      return drawn;
    },
  };
}

function meaningOf(parse: Aish['parse'], text: string): string {
  const found = parse(text);
  return found === undefined ? '' : meaningKey(found.meaning);
}

/** Every word once, in the order of the lexicon. */
function wordsOf(l: AishLexicon): string[] {
  const phrases = ['the', 'did', 'not', 'was', 'by', ...[l.agents, l.patients, l.agentAdjectives].flat(2)];
  phrases.push(...l.patientAdjectives.flat(), ...l.verbs.flat(2), ...l.places.flat(), ...l.times.flat());
  return [...new Set(phrases.flatMap((phrase) => phrase.split(' ')))];
}
