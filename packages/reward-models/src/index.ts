/** @module @gimbal/reward-models */

export {
  type AnswerEncoder,
  type AnswerEncoderOptions,
  answerEncoder,
  type EncodedRow,
} from './data/answer-encoder.ts';
export {
  type PairTexts,
  type PreferencePair,
  type PreferencePairs,
  pairTexts,
  preferencePairs,
} from './data/preference-pairs.ts';
export {
  type AccuracyOptions,
  accuracyBySlice,
  accuracyOfMargins,
  type PairRow,
  pairwiseAccuracy,
  preferenceAccuracy,
  rewardMargins,
  type Ties,
} from './evaluation/accuracy.ts';
export { type Calibration, calibrationError, fitTemperature } from './evaluation/calibration.ts';
export { type Share, shareOf } from './evaluation/intervals.ts';
export { type BradleyTerryOptions, bradleyTerryLoss } from './losses/bradley-terry.ts';
export type { PairLossOptions } from './losses/pair-terms.ts';
export { antisymmetricLogits, preferenceLoss, skewSymmetricLogits } from './losses/preference.ts';
export type { ScoredBatch } from './models/align-rows.ts';
export {
  type PreferenceForm,
  type PreferenceModel,
  type PreferenceModelOptions,
  preferenceModel,
} from './models/preference-model.ts';
export { type RewardModel, rewardModel } from './models/reward-model.ts';
export { withBody } from './models/with-body.ts';
export { type LoadedReward, loadReward, type RewardNotes, saveReward } from './pretrained/reward-folder.node.ts';
export {
  antisymmetrise,
  type PreferenceFnOptions,
  preferenceFn,
  preferenceFromReward,
  preferenceOrderBias,
} from './scoring/preference-fn.ts';
export { type RewardFnOptions, type RewardStats, rewardFn, rewardStats } from './scoring/reward-fn.ts';
export { linearProbe, type ProbeOptions, probeHead } from './training/linear-probe.ts';
export { type PairTrainerOptions, pairTrainerDefaults } from './training/pair-trainer.ts';
export { type PreferenceOptions, PreferenceTrainer } from './training/preference-trainer.ts';
export { type RewardOptions, RewardTrainer } from './training/reward-trainer.ts';
