// What the package has in Node and in the page alike.
import './dispose-symbol.ts';
import './register-gradients.ts';

export { checkpoint } from './autodiff/checkpoint.ts';
export { stopGradient } from './autodiff/stop-gradient.ts';
export { valueAndGrad, valueAndGradWithAux } from './autodiff/value-and-grad.ts';
export type { BackendInfo, BackendName, BackendOptions, BackendReport, PassedOver } from './backend/backend-info.ts';
export { type BlockWeight, backendExtensions, type Precision } from './backend/extensions.ts';
export { type CapturedStep, captureStep, replaysSteps, type StepInput } from './capture/capture-step.ts';
export { checkConfig, firstDifference } from './checkpoint/config-match.ts';
export type { CheckpointContent, KeepRule, LoadedCheckpoint, LoadOptions } from './checkpoint/content.ts';
export { hashTree } from './checkpoint/hash-tree.ts';
export { hashWords } from './checkpoint/hash-words.ts';
export { actionChoices, actionMaskFault, givenActionMask } from './contracts/action-mask.ts';
export type {
  Action,
  Alert,
  AutoresetMode,
  BoxSpace,
  DecodeState,
  DictSpace,
  DiscreteSpace,
  Env,
  EnvSpec,
  EnvStep,
  GoalEnv,
  Info,
  LogitPolicy,
  LoopOptions,
  Monitor,
  MultiBinarySpace,
  MultiDiscreteSpace,
  Obs,
  ObsLayout,
  Overflow,
  PreferenceFn,
  Prompt,
  RewardFn,
  SampleOptions,
  Schedule,
  Space,
  TextCodec,
  TokenBatch,
  TokenPolicy,
  Trainer,
  TrainerStep,
  TrainRequest,
  TupleSpace,
  VecInfo,
  VecObs,
  VectorEnv,
  VectorStep,
} from './contracts.ts';
export * as distributions from './distributions/index.ts';
export {
  BackendError,
  CheckpointError,
  ConfigError,
  DataError,
  type ErrorCode,
  type ErrorDetails,
  GimbalError,
  NumericalError,
  nearest,
  ShapeError,
  StoppedError,
} from './errors.ts';
export { eventTurn } from './events/event-turn.ts';
export { logSumExp } from './gap/log-sum-exp.ts';
export * as initializers from './modules/initializers.ts';
export {
  type DenseOptions,
  dense,
  dropoutModule,
  embeddingModule,
  layerNormModule,
  type MlpModuleOptions,
  mlpModule,
  rmsNormModule,
  sequential,
} from './modules/layers.ts';
export type { ApplyOptions, Module } from './modules/module.ts';
export * from './ops/index.ts';
export { assignTree } from './optim/assign.ts';
export { clipByGlobalNorm, clipScale, treeNorm } from './optim/clip.ts';
export { createOptimizer } from './optim/create-optimizer.ts';
export { orthogonalize } from './optim/muon.ts';
export type { Optimizer, OptimizerState, UpdateOptions } from './optim/optimizer.ts';
export {
  type AdafactorOptions,
  type AdamOptions,
  type AdamWOptions,
  type LionOptions,
  type MuonOptions,
  type OptimizerName,
  type OptimizerOptions,
  optimizerDefaults,
  type ParamGroup,
  type RmspropOptions,
  type SgdOptions,
} from './optim/options.ts';
export { checkedRewards } from './options/checked-rewards.ts';
export {
  checkCount,
  checkKnown,
  checkName,
  checkOpenShare,
  checkOption,
  checkPositive,
  checkSeed,
  checkShare,
  requireOptions,
} from './options/checks.ts';
export { loopNames, optionNames } from './options/option-names.ts';
export {
  endOfSchedules,
  type WeighedRewards,
  type WeightedReward,
  weighRewards,
} from './options/weigh-rewards.ts';
export { blockValues, blockWeight, heldBytes } from './precision/block-weight.ts';
export {
  type PackedWeights,
  type PackWeightsOptions,
  packWeights,
  type WeightLayout,
} from './precision/pack-weights.ts';
export { currentPrecision, withPrecision } from './precision/with-precision.ts';
export { type Rng, type RngState, rng, rngFromState } from './random/rng.ts';
export type { FloatDtype, RawArray, SafetensorsDtype, TensorValues } from './safetensors/dtype.ts';
export { type EncodeOptions, encodeSafetensors, tensorsToWrite } from './safetensors/encode.ts';
export { refuseNonFinite } from './safetensors/finite.ts';
export { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './safetensors/half.ts';
export type { TensorEntry } from './safetensors/header.ts';
export type { TensorToWrite } from './safetensors/layout.ts';
export { openSafetensors, readSafetensors } from './safetensors/open.ts';
export { type ByteSource, blobSource, bytesSource, type SourceLike, urlSource } from './safetensors/source.ts';
export type { WeightFile } from './safetensors/weight-file.ts';
export * as schedules from './schedules/schedules.ts';
export {
  type BatchSource,
  mapBatches,
  oneBatch,
} from './training/batch-source.ts';
export { DataTrainer } from './training/data-trainer.ts';
export {
  type EpochOptions,
  EpochSampler,
  type EpochState,
  shuffledIndices,
  shuffleInPlace,
} from './training/epochs.ts';
export { loopDefaults, type ResolvedLoopOptions } from './training/loop-options.ts';
export type { LoopSetup, PrepareContext, StopReason, TrainStep } from './training/loop-setup.ts';
export { LoopTrainer } from './training/loop-trainer.ts';
export type { Loss, LossContext, LossResult } from './training/loss.ts';
export { Meter, type Throughput } from './training/meter.ts';
export { type NonFiniteOrigin, nonFiniteLeaf, originOfNonFinite } from './training/non-finite.ts';
export {
  type Advance,
  loadRun,
  passes,
  type RunContent,
  type RunOptions,
  RunTrainer,
} from './training/run-trainer.ts';
export { cloneTree, disposeTree, keepTree, treeBytes, treeSize, variables } from './tree/memory.ts';
export {
  flatten,
  isTensor,
  type LeafTree,
  mapTree,
  type Params,
  type TreeOf,
  unflatten,
  zipTree,
} from './tree/params.ts';
export {
  filterTree,
  type LeafPredicate,
  matchPaths,
  mergeTrees,
  partitionTree,
  trainableMask,
} from './tree/select.ts';
export { version } from './version.ts';
export { Ema, type EmaOptions } from './weights/ema.ts';
export { resolveShares, type ShareOptions, type Shares } from './weights/members.ts';
export { applyTaskVectors, averageTrees, interpolateTrees, slerpTrees, taskVector } from './weights/trees.ts';
