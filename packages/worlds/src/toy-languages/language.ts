// The contract of every toy language: a meaning and the choices of its surface make a sentence, and the sentence gives
// both back. A meaning is plain data that several languages share; what a language cannot say, its parser canonicalises.
import type { Rng } from '../rng.ts';

/** What is said and how it is said. */
export interface Utterance<Meaning, Surface> {
  /** What is said, whatever the language. */
  readonly meaning: Meaning;
  /** The choices that leave the meaning as it is: synonyms, voice, register. */
  readonly surface: Surface;
}

/** A language whose sentences are generated, written and read by plain functions. */
export interface ToyLanguage<Meaning, Surface> {
  /** Its name, for reports. */
  readonly name: string;
  /** Its words, marks excluded; sentences are these, joined by single spaces. */
  readonly words: readonly string[];
  /** Draws a meaning and a surface. */
  generate(rng: Rng): Utterance<Meaning, Surface>;
  /** Draws the surface alone, for a meaning that is given. */
  drawSurface(rng: Rng): Surface;
  /** Writes the sentence. */
  realise(meaning: Meaning, surface: Surface): string;
  /** Reads a sentence; undefined for a text that is none of this language. `parse(realise(m, s))` is `{ m, s }`. */
  parse(text: string): Utterance<Meaning, Surface> | undefined;
}
