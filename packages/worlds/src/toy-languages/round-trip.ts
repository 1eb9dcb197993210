// Round trips of Aish through a pivot language: what a translator and its opposite make of a sentence.
//
//   A → pivot: the meaning, of which one slot may be replaced; wording is lost
//   pivot → A: one of the meanings that the text may have, in a fresh wording, of which bits may be kept

import { WorldError } from '../errors.ts';
import { drawOther } from '../internal/draw.ts';
import type { Rng } from '../rng.ts';
import type { Aish, AishSentence } from './aish.ts';
import { type AishMeaning, type AishSurface, aishSlots, drawSurface, slotSizes, surfaceOf } from './aish-meaning.ts';
import type { PivotLanguage } from './pivots.ts';

/** How a round trip differs from a free paraphrase. */
export interface RoundTripOptions {
  /** P(a bit of the wording stays as it was) (0: a free paraphrase; machine translation is more like .6). */
  surfaceKeep?: number;
  /** P(one slot is replaced) (0). */
  slotNoise?: number;
  /** Every sentence comes back in one wording: first synonyms, active voice, nothing in front (false). */
  translationese?: boolean;
}

/** A round trip, and the text in between. */
export interface AishRoundTrip {
  /** Back in Aish. */
  readonly text: string;
  /** In between. */
  readonly pivotText: string;
}

/** From Aish into the pivot, or back; as the translators of a round-trip pipeline. */
export interface AishTranslator {
  /** From and into: `aish-bex`. */
  readonly name: string;
  /** Each text in the other language. @throws WorldError (`data`) for a text that is no sentence */
  translate(batch: readonly string[], o: { rng: Rng }): Promise<string[]>;
}

/** Round trips through one pivot language. */
export interface AishPivot extends PivotLanguage {
  /** Aish and back. @throws WorldError (`data`) for a text that is no sentence */
  roundTrip(text: string, rng: Rng): AishRoundTrip;
  /** From Aish into the pivot. */
  readonly forward: AishTranslator;
  /** From the pivot into Aish. It does not see the original, so it keeps no bit of its wording. */
  readonly back: AishTranslator;
}

/** Joins Aish and a pivot. */
export function makeAishPivot(aish: Aish, pivot: PivotLanguage, settings: Required<RoundTripOptions>): AishPivot {
  const { name } = pivot;
  const where = `toyLanguages ${name}`;
  const { surfaceKeep, slotNoise, translationese } = settings;

  const read = (text: string): AishSentence => {
    const found = aish.parse(text);
    if (found !== undefined) return found;
    throw new WorldError('data', { where, what: 'no sentence of Aish', got: text, wanted: 'words in its order' });
  };
  const toPivot = (m: AishMeaning, rng: Rng): string => pivot.realise(noisy(m, slotNoise, aish.variant, rng), {});
  const wordingOf = (m: AishMeaning, rng: Rng, original?: AishSurface): AishSurface => {
    if (translationese) return surfaceOf(m, () => 0);
    const fresh = drawSurface(rng);
    if (original === undefined || surfaceKeep === 0) return fresh;
    return surfaceOf(m, (bit) => (rng.uniform() < surfaceKeep ? original : fresh)[bit]);
  };
  const fromPivot = (text: string, rng: Rng, original?: AishSurface): string => {
    const readings = pivot.readings(text);
    if (readings.length === 0)
      throw new WorldError('data', {
        where,
        what: 'no sentence of the pivot',
        got: text,
        wanted: 'words in its order',
      });
    const meaning = readings[rng.int(readings.length)] as AishMeaning;
    return aish.realise(meaning, wordingOf(meaning, rng, original));
  };

  return {
    ...pivot,
    roundTrip(text, rng) {
      const { meaning, surface } = read(text);
      const pivotText = toPivot(meaning, rng);
      return { text: fromPivot(pivotText, rng, surface), pivotText };
    },
    forward: {
      name: `aish-${name}`,
      translate: async (batch, { rng }) => batch.map((text, i) => toPivot(read(text).meaning, rng.split(i))),
    },
    back: {
      name: `${name}-aish`,
      translate: async (batch, { rng }) => batch.map((text, i) => fromPivot(text, rng.split(i))),
    },
  };
}

function noisy(m: AishMeaning, rate: number, variant: Aish['variant'], rng: Rng): AishMeaning {
  if (rate === 0 || rng.uniform() >= rate) return m;
  for (;;) {
    const slot = aishSlots[rng.int(aishSlots.length)] as (typeof aishSlots)[number];
    const changed = { ...m, [slot]: drawOther(slotSizes[slot], m[slot], rng) };
    if (variant === 'typed' || changed.agent !== changed.patient) return changed;
  }
}
