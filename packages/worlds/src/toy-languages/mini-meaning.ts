// What a sentence of the preset `mini` says: two nouns, each with an adjective, and a verb between them.
import type { Rng } from '../rng.ts';

/** Indices of the concepts. */
export interface MiniMeaning {
  /** Of [0, 5). */
  readonly subjectAdjective: number;
  /** Of [0, 10). */
  readonly subject: number;
  /** Of [0, 6). */
  readonly verb: number;
  /** Of [0, 5). */
  readonly objectAdjective: number;
  /** Of [0, 10). */
  readonly object: number;
}

/** How many concepts each class has. */
const miniSizes = { nouns: 10, adjectives: 5, verbs: 6 } as const;

/** How many meanings there are. */
export const miniMeanings = (miniSizes.nouns * miniSizes.adjectives) ** 2 * miniSizes.verbs;

/** Every slot uniform. */
export function drawMiniMeaning(rng: Rng): MiniMeaning {
  return {
    subjectAdjective: rng.int(miniSizes.adjectives),
    subject: rng.int(miniSizes.nouns),
    verb: rng.int(miniSizes.verbs),
    objectAdjective: rng.int(miniSizes.adjectives),
    object: rng.int(miniSizes.nouns),
  };
}
