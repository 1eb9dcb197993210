// The presets `typed` and `reversible`: Aish, and two pivot languages to translate it into and back.
import { checkKnown, checkRate } from '../internal/check.ts';
import { type Aish, makeAish } from './aish.ts';
import { bexRules, corRules, pivotLanguage } from './pivots.ts';
import { type AishPivot, makeAishPivot, type RoundTripOptions } from './round-trip.ts';

/** Aish and its pivots. It holds no state. */
export interface AishLanguages {
  /** The options, defaults filled in. */
  readonly settings: Required<RoundTripOptions>;
  /** The language of known meaning. */
  readonly aish: Aish;
  /** Keeps every meaning and no wording. */
  readonly bex: AishPivot;
  /** Merges two pairs of meanings: .205 of round trips come back altered (reversible: .285). */
  readonly cor: AishPivot;
}

const defaults = { surfaceKeep: 0, slotNoise: 0, translationese: false } satisfies Required<RoundTripOptions>;

/** Makes the world of a variant. @throws WorldError (`config`) for an unknown or impossible option */
export const aishLanguages =
  (variant: Aish['variant']) =>
  (own: RoundTripOptions = {}): AishLanguages => {
    checkKnown('toyLanguages', own, Object.keys(defaults));
    const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
    const settings: Required<RoundTripOptions> = { ...defaults, ...given };
    checkRate('toyLanguages', 'surfaceKeep', settings.surfaceKeep);
    checkRate('toyLanguages', 'slotNoise', settings.slotNoise);
    const aish = makeAish(variant);
    const shared = variant === 'reversible';
    return {
      settings,
      aish,
      bex: makeAishPivot(aish, pivotLanguage(bexRules(shared)), settings),
      cor: makeAishPivot(aish, pivotLanguage(corRules(shared)), settings),
    };
  };
