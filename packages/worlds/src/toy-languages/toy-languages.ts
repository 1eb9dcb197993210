// The world `toyLanguages`: languages small enough to know everything about, one file each, behind one contract.
import { WorldError } from '../errors.ts';
import { type MiniLanguages, type MiniOptions, miniLanguages } from './mini.ts';

/** The worlds of {@link toyLanguages}, by preset. */
export const toyLanguagePresets = { mini: miniLanguages } as const;

/** Which languages, and what they are like. */
export type ToyLanguageOptions = { preset?: 'mini' } & MiniOptions;

/**
 * Makes a set of toy languages. Preset `mini` (default) translates between two, with an exact teacher.
 * @throws WorldError (`config`) for an unknown or impossible option
 * @example
 * const world = toyLanguages();
 * world.translations('big dog sees old cat =')[0]; // 'kano grando gato viejo vide'
 */
export function toyLanguages(o: ToyLanguageOptions = {}): MiniLanguages {
  const { preset = 'mini', ...own } = o;
  if (!Object.hasOwn(toyLanguagePresets, preset)) {
    const wanted = Object.keys(toyLanguagePresets).join(', ');
    throw new WorldError('config', { where: 'toyLanguages', what: 'unknown preset', got: preset, wanted });
  }
  return toyLanguagePresets[preset](own);
}
