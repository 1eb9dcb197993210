// What the package has in Node and in the page alike.
export {
  buildRoundTrips,
  type Pivot,
  type RoundTripCache,
  type RoundTripOptions,
  type RoundTripReport,
} from './data/build-round-trips.ts';
export type { BuiltBatch, PivotCounts } from './data/built-batch.ts';
export { corrupt, type NoiseTokens } from './data/corrupt.ts';
export type { Noise, Objective, RoundTrip, Translator } from './data/round-trip.ts';
export { normalised } from './data/similarity.ts';
export { gatherRoundTrips, type Overflow, type TrainingRow } from './data/training-rows.ts';
export { type CodesOf, codePolicy } from './decoding/code-policy.ts';
export { type Decoded, type DecodeOptions, decodeCodes } from './decoding/decode-codes.ts';
export { type EncodeOptions, encodeTexts } from './encoding/encode-texts.ts';
export type { Vec2TextError, Vec2TextReason } from './internal/refuse.ts';
export { type InverterConfig, type InverterOptions, inverterDefaults } from './inversion/config.ts';
export type { Embedder } from './inversion/embedder.ts';
export { type GuessOptions, guessDefaults } from './inversion/guesses.ts';
export {
  type InvertOptions,
  type InvertStep,
  invert,
  invertAll,
  invertSteps,
  type Scored,
} from './inversion/invert.ts';
export { type Inverter, type InverterParts, makeInverter } from './inversion/inverter.ts';
export { InverterTrainer, type InverterTrainerOptions, inverterTrainDefaults } from './inversion/inverter-trainer.ts';
export type { EmbeddingSpread } from './inversion/spread.ts';
export { diversity } from './measures/diversity.ts';
export { fluency } from './measures/fluency.ts';
export type { Measure, MeasuredRow, MeasureOptions, Measurer, Measures } from './measures/measure.ts';
export type { Oracles } from './measures/oracles.ts';
export { tokenF1 } from './measures/overlap.ts';
export { semanticStructure } from './measures/structure.ts';
export { universality } from './measures/universality.ts';
export { type Vec2TextConfig, vec2textConfig, vec2textDefaults } from './model/config.ts';
export { encodeVec2Text, type LoadVec2TextOptions } from './model/model-file.ts';
export type { Vec2Text, Vec2TextModule } from './model/module.ts';
export { trainedModel } from './model/trained.ts';
export { vec2text } from './model/vec2text.ts';
export { arithmetic, meanCode, type Term } from './space/arithmetic.ts';
export { type Codes, joinCodes } from './space/codes.ts';
export { type ControlSpace, controlSpace, type SpaceKind, spaceKinds } from './space/control-space.ts';
export { type InterpolateOptions, interpolate } from './space/interpolate.ts';
export { centredCosine, type Neighbour, nearest } from './space/nearest.ts';
export { type PerturbOptions, perturb, type SampleOptions, sample } from './space/random.ts';
export { type SpaceStats, spaceStats } from './space/stats.ts';
export { checkTexts } from './text/text-rows.ts';
export { specialIds, textTokenizer, wordTokenizer } from './text/tokenizers.ts';
export { trainDefaults, type Vec2TextStep, type Vec2TextTrainerOptions } from './training/vec2text-options.ts';
export { Vec2TextTrainer, vec2textSchedule } from './training/vec2text-trainer.ts';
export {
  type OwnedTranslator,
  seq2seqTranslator,
  type TrainTranslatorOptions,
  type TranslatorParts,
  trainTranslator,
} from './translators/seq2seq-translator.ts';
export {
  frequentWords,
  functionWords,
  type TelegraphOptions,
  telegraph,
  telegraphPivot,
} from './translators/telegraph.ts';
export { type ActionSpaceOptions, asActionSpace, type CodeActions } from './use/action-space.ts';
export { type NearText, nearestTexts, type TextIndex, textIndex } from './use/nearest-text.ts';
export { type Optimised, type OptimiseOptions, type OptimiseStep, optimise } from './use/optimise.ts';
export { type TextEnvOptions, textEnv } from './use/text-env.ts';
