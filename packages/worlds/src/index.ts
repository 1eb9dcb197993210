/** @module @gimbal/worlds */
export { type Arithmetic, arithmetic } from './arithmetic/arithmetic.ts';
export { type ArithmeticOptions, type ArithmeticSettings, arithmeticPresets } from './arithmetic/options.ts';
export type { Problem } from './arithmetic/problem.ts';
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
export { qualityPoints } from './newsroom/quality.ts';
export type { Rng } from './rng.ts';
