/** The public list of both entries, but for what needs a file system. */

export { type DistillLossInput, distillLoss, type LossReduction } from './divergence/distill-loss.ts';
export {
  type CustomDivergence,
  type Divergence,
  divergenceName,
  parseDivergence,
  type Temperatures,
} from './divergence/divergence.ts';
export { tokenDivergence } from './divergence/token-divergence.ts';
export {
  type Decoding,
  type EvalReport,
  type EvalRow,
  type EvaluateDistillationOptions,
  evaluateDistillation,
} from './evaluation/evaluate-distillation.ts';
export { type ChunkedLossInput, chunkedDistillLoss } from './rows/chunked-distill-loss.ts';
export { type ModelTeacher, type ModelTeacherOptions, modelTeacher } from './teachers/model-teacher.ts';
export { type NextDistribution, type OracleOptions, oracleTeacher } from './teachers/oracle-teacher.ts';
export type { Teacher, TeacherRows, TopK, Wanted } from './teachers/teacher.ts';
export { tokenizerHash, type Vocabulary } from './teachers/vocabulary.ts';
export type { AdaptiveLambda } from './training/adaptive-share.ts';
export {
  type GkdOptions,
  gkdDefaults,
  type Objective,
  type OffPolicy,
  type ResolvedGkd,
  type RewardOptions,
} from './training/gkd-options.ts';
export type { GkdPreview, GkdStep } from './training/gkd-step.ts';
export { GkdTrainer } from './training/gkd-trainer.ts';
export { type PresetName, presets } from './training/presets.ts';
export type { ReplayOptions } from './training/replay-buffer.ts';
export type { SelfTeacherOptions } from './training/self-teacher.ts';
