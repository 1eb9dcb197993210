// The world `toyLanguages`: languages small enough to know everything about, one file each, behind one contract.
import { WorldError } from '../errors.ts';
import { type AishLanguages, aishLanguages } from './aish-languages.ts';
import { type MiniLanguages, type MiniOptions, miniLanguages } from './mini.ts';
import type { RoundTripOptions } from './round-trip.ts';

/** The worlds of {@link toyLanguages}, by preset. */
export const toyLanguagePresets = {
  mini: miniLanguages,
  typed: aishLanguages('typed'),
  reversible: aishLanguages('reversible'),
} as const;

/** Options of `mini`, and of Aish's two variants. */
export type ToyLanguageOptions = ({ preset?: 'mini' } & MiniOptions) | AishOptions;

/** Which Aish, and what round trips through its pivots are like. */
export type AishOptions = { preset: 'typed' | 'reversible' } & RoundTripOptions;

/**
 * Makes a set of toy languages. Preset `mini` (default) translates between two, with an exact teacher; `typed` and
 * `reversible` have sentences of known meaning, and two pivot languages to translate them into and back.
 * @throws WorldError (`config`) for an unknown or impossible option
 * @example
 * const world = toyLanguages();
 * world.translations('big dog sees old cat =')[0]; // 'kano grando gato viejo vide'
 * const { aish, bex } = toyLanguages({ preset: 'typed' });
 * bex.roundTrip('the boy saw the box', rng(0)).text; // the same in other words
 */
export function toyLanguages(o: AishOptions): AishLanguages;
export function toyLanguages(o?: { preset?: 'mini' } & MiniOptions): MiniLanguages;
export function toyLanguages(o: ToyLanguageOptions = {}): MiniLanguages | AishLanguages {
  const { preset = 'mini', ...own } = o;
  if (!Object.hasOwn(toyLanguagePresets, preset)) {
    const wanted = Object.keys(toyLanguagePresets).join(', ');
    throw new WorldError('config', { where: 'toyLanguages', what: 'unknown preset', got: preset, wanted });
  }
  return toyLanguagePresets[preset](own as object);
}
