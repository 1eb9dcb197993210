// What the package has in Node and in the page alike.
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
  entailmentReward,
  type FilteredRows,
  filterByJudge,
  optimalEntailedRate,
  withControlTokens,
} from './entailment/entailment-reward.ts';
export {
  classifierJudge,
  type EntailmentJudge,
  type JudgeOptions,
  type NliLabel,
  nliLabels,
} from './entailment/judge.ts';
export { splitSentences } from './entailment/sentences.ts';
export { type SlotJudgeOptions, SlotJudgeTrainer, slotJudge } from './entailment/slot-judge.ts';
export {
  type AccuracyOptions,
  accuracyBySlice,
  accuracyOfMargins,
  labelledMargins,
  type PairRow,
  pairwiseAccuracy,
  preferenceAccuracy,
  rewardMargins,
  type Ties,
} from './evaluation/accuracy.ts';
export { type Calibration, calibrationError, fitTemperature } from './evaluation/calibration.ts';
export { type Share, shareOf } from './evaluation/intervals.ts';
export {
  type ConsistencyScorer,
  evaluateSummaries,
  type Mean,
  type SummaryReport,
  type SummaryRow,
} from './evaluation/summaries.ts';
export {
  type HackingLook,
  type HackingMonitor,
  type HackingMonitorOptions,
  hackingMonitor,
} from './hacking/hacking-monitor.ts';
export {
  type DriftReport,
  driftReport,
  type OverOptimisation,
  overOptimisation,
  type ProxyPoint,
} from './hacking/over-optimisation.ts';
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
export type { RemoteOptions } from './rewards/ask-server.ts';
export { mixRewards, type RewardMixture, type RewardPart } from './rewards/mix-rewards.ts';
export { remotePreference } from './rewards/remote-preference.ts';
export { remoteJudge, remoteReward } from './rewards/remote-reward.ts';
export { type LengthBounds, lengthReward, repetitionReward } from './rewards/text-rewards.ts';
export {
  antisymmetrise,
  type PreferenceFnOptions,
  preferenceFn,
  preferenceFromReward,
  preferenceOrderBias,
} from './scoring/preference-fn.ts';
export { type RewardFnOptions, type RewardStats, rewardFn, rewardStats } from './scoring/reward-fn.ts';
export { type BestOfNOptions, type BonPick, bestOfN, rerank } from './selection/best-of-n.ts';
export { type BonPoint, bonCurve } from './selection/bon-curve.ts';
export { bonKl, bonKlEstimate } from './selection/bon-kl.ts';
export { linearProbe, type ProbeOptions, probeHead } from './training/linear-probe.ts';
export { type PairTrainerOptions, pairTrainerDefaults } from './training/pair-trainer.ts';
export { type PreferenceOptions, PreferenceTrainer } from './training/preference-trainer.ts';
export { type RewardOptions, RewardTrainer } from './training/reward-trainer.ts';
export { corruptionReport, swapClasses, swapLabels } from './warm/corruption.ts';
export { type EnsembleOptions, ensemble } from './warm/ensemble.ts';
export { type LmcPoint, lmcBarrier, lmcCurve, type MarginFn } from './warm/lmc-curve.ts';
export {
  type AverageOptions,
  averageMembers,
  averageStream,
  fingerprint,
  greedySoup,
  type Lineage,
  type Member,
  type MemberSource,
  rankMembers,
} from './warm/members.ts';
export {
  type MemberModel,
  type MemberRun,
  type MemberTrainer,
  type RunSettings,
  runSettings,
  type WarmOptions,
} from './warm/warm-options.ts';
