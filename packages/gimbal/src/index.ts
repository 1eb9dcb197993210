/** @module gimbal */
export type { BenchRow, Suite, SuiteContext } from './bench/suite.ts';
export { defineSuite } from './bench/suite.ts';
export { Output, type Streams } from './cli/output.ts';
export type { OptionTable } from './options/kind.ts';
export { inOrder, optionsOf } from './pipeline/graph.ts';
export { type PipelineRequest, runStages, type StageRecord } from './pipeline/run-stages.ts';
export {
  defineStage,
  type Environment,
  type ReportContext,
  type Stage,
  type StageContext,
  type StageResult,
} from './pipeline/stage.ts';
export type * from './report/part.ts';
export { type Report, renderReport } from './report/render.ts';
export type {
  Claim,
  ClaimContext,
  ClaimResult,
  MadeWith,
  Measurement,
  ReproduceReport,
  Verdict,
} from './reproduce/claim.ts';
export { defineClaim } from './reproduce/claim.ts';
