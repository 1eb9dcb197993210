/** @module @gimbal/gkd */

export { type DistillLossInput, distillLoss, type LossReduction } from './divergence/distill-loss.ts';
export {
  type CustomDivergence,
  type Divergence,
  divergenceName,
  parseDivergence,
  type Temperatures,
} from './divergence/divergence.ts';
export { tokenDivergence } from './divergence/token-divergence.ts';
export type { Teacher, TeacherRows, TopK, Wanted } from './teachers/teacher.ts';
export { tokenizerHash, type Vocabulary } from './teachers/vocabulary.ts';
