// What translation gives: a sentence that says the same in other words.
import type { Rng } from '@gimbal/tensor-core';

/** Anything that turns texts of one language into another. */
export interface Translator {
  /** The name of the language it writes, or its own. */
  readonly name: string;
  /** As many texts as came, in their order. */
  translate(batch: string[], o?: { temperature?: number; rng?: Rng; signal?: AbortSignal }): Promise<string[]>;
}

/** A sentence and one round trip of it. */
export interface RoundTrip {
  /** Of the sentence: the same in every build. */
  readonly id: string;
  /** As it was. */
  readonly source: string;
  /** The pivot language's name. */
  readonly pivot: string;
  /** In that language. */
  readonly pivotText: string;
  /** Back again. */
  readonly rtt: string;
  /** Whether it came back as it was. */
  readonly identical: boolean;
  /** Between source and round trip, as the filter measures it. */
  readonly similarity: number;
}

/** Chances of the corruption of an input. */
export interface Noise {
  /** That a word is left out, in [0, 1). */
  drop?: number;
  /** That a word becomes MASK. */
  blank?: number;
  /** That a word becomes another. */
  substitute?: number;
  /** How many places a word moves at most; 0: none. */
  shuffle?: number;
}

/** What the encoder reads and what the decoder writes. */
export type Objective =
  /** the sentence itself; its round trip; or the sentence, to write the round trip */
  | { kind: 'ae' | 'rtt' | 'rtt-reverse' }
  /** a corrupted sentence */
  | { kind: 'dae'; noise: Noise }
  /** for each example one of these, by weight; `noise` for dae (drop .3) */
  | { kind: 'mix'; weights: Partial<Record<'ae' | 'dae' | 'rtt', number>>; noise?: Noise };
