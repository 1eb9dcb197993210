/** @module @gimbal/worlds */
export { type Arithmetic, arithmetic } from './arithmetic/arithmetic.ts';
export { type ArithmeticOptions, type ArithmeticSettings, arithmeticPresets } from './arithmetic/options.ts';
export type { Problem } from './arithmetic/problem.ts';
export { type Cue, type CueBatch, type CueOptions, type CuePairs, type CuePairsOptions, cue } from './cue/cue.ts';
export { type CueShift, cueShifts, cueSizes } from './cue/shifts.ts';
export { WorldError, type WorldErrorDetails } from './errors.ts';
export type { Article, Fact } from './newsroom/article.ts';
export type { ClausePart, Entailment, NliLabel } from './newsroom/entailment.ts';
export type { JudgeOptions } from './newsroom/judge.ts';
export { type Newsroom, newsroom } from './newsroom/newsroom.ts';
export {
  type NewsroomOptions,
  type NewsroomSettings,
  newsroomDefaults,
  newsroomPresets,
  newsroomShifts,
} from './newsroom/options.ts';
export type { AnnotateOptions, PreferenceOptions } from './newsroom/preference.ts';
export { annotators, type PreferenceRow, type PreferenceRowsOptions } from './newsroom/preference-rows.ts';
export { qualityPoints } from './newsroom/quality.ts';
export type { Rng } from './rng.ts';
export { type Aish, type AishSentence, meaningKey } from './toy-languages/aish.ts';
export type { AishLanguages } from './toy-languages/aish-languages.ts';
export {
  type AishBit,
  type AishMeaning,
  type AishSlot,
  type AishSurface,
  aishBits,
  aishSlots,
  applies,
  slotSizes,
} from './toy-languages/aish-meaning.ts';
export type { ToyLanguage, Utterance } from './toy-languages/language.ts';
export type { MiniLanguages, MiniOptions, Translation } from './toy-languages/mini.ts';
export type { MiniMeaning } from './toy-languages/mini-meaning.ts';
export type { MiniSurface } from './toy-languages/mini-target.ts';
export type { PivotLanguage } from './toy-languages/pivots.ts';
export type { AishPivot, AishRoundTrip, AishTranslator, RoundTripOptions } from './toy-languages/round-trip.ts';
export {
  type AishOptions,
  type ToyLanguageOptions,
  toyLanguagePresets,
  toyLanguages,
} from './toy-languages/toy-languages.ts';
