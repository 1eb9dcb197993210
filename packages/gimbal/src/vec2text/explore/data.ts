// What a page of exploration holds: models, sentences to look among, and what is known of the language.

/** The content of the page, as JSON. */
export interface ExploreData {
  readonly title: string;
  /** one, or two to switch between */
  readonly models: readonly {
    /** on the switch */
    readonly name: string;
    /** whether it was trained on round trips, and so keeps meanings and not words */
    readonly roundTrips: boolean;
    /** the model as a safetensors file, base64 */
    readonly file: string;
    /** codes of `sentences` [n·k], float32 in base64 */
    readonly codes: string;
  }[];
  /** known sentences, to show the nearest */
  readonly sentences: readonly string[];
  /** what is in the two fields at first */
  readonly start: readonly [string, string];
  /** a toy language whose meanings the page can read; null for a text of the user's */
  readonly language: 'typed' | 'reversible' | null;
}

/** One point of the way. */
export interface PathPoint {
  readonly alpha: number;
  readonly text: string;
  /** whether it is a sentence; null where nothing knows */
  readonly valid: boolean | null;
  /** centred cosine to either end */
  readonly similarity: readonly [number, number];
  /** the nearest known sentences, the nearest first */
  readonly nearest: readonly { readonly text: string; readonly similarity: number }[];
  /** values of the meaning's slots as words, '' where there is none; null where it has no meaning */
  readonly slots: readonly string[] | null;
}

/** The way between two sentences. */
export interface ExplorePath {
  /** 21 points, α from 0 to 1 */
  readonly points: readonly PathPoint[];
  /** names of the slots, none for a text of the user's */
  readonly slotNames: readonly string[];
  /** slots of what was typed, at either end */
  readonly typed: readonly (readonly string[] | null)[];
  readonly milliseconds: number;
}

/** A field that cannot be read, and why. */
export interface ExploreProblem {
  /** 0 or 1 */
  readonly field: number;
  readonly message: string;
}
