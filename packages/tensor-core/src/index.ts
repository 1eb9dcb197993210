/** @module @gimbal/tensor-core */
import './register-gradients.ts';

export { checkpoint } from './autodiff/checkpoint.ts';
export { stopGradient } from './autodiff/stop-gradient.ts';
export { valueAndGrad, valueAndGradWithAux } from './autodiff/value-and-grad.ts';
export type { BackendInfo, BackendName, BackendOptions, BackendReport, PassedOver } from './backend/backend-info.ts';
export { backendReport, useBackend } from './backend/use-backend.node.ts';
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
export { logSumExp } from './gap/log-sum-exp.ts';
export { writeDirectoryAtomic, writeFileAtomic, writeFileDurable } from './io/atomic.node.ts';
export { type FileSystem, nodeFileSystem, type WritableFile } from './io/file-system.node.ts';
export * from './ops/index.ts';
export { type Rng, type RngState, rng, rngFromState } from './random/rng.ts';
export type { FloatDtype, RawArray, SafetensorsDtype, TensorValues } from './safetensors/dtype.ts';
export { type EncodeOptions, encodeSafetensors, tensorsToWrite } from './safetensors/encode.ts';
export { fileSource } from './safetensors/file-source.node.ts';
export { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './safetensors/half.ts';
export type { TensorEntry } from './safetensors/header.ts';
export type { TensorToWrite } from './safetensors/layout.ts';
export { openSafetensors, readSafetensors } from './safetensors/open.ts';
export { type ByteSource, blobSource, bytesSource, type SourceLike, urlSource } from './safetensors/source.ts';
export type { WeightFile } from './safetensors/weight-file.ts';
export {
  type ShardOptions,
  type WriteOptions,
  writeSafetensors,
  writeShardedSafetensors,
} from './safetensors/write.node.ts';
export { type BatchSource, mapBatches, oneBatch } from './training/batch-source.ts';
export { type EpochOptions, EpochSampler, type EpochState } from './training/epochs.ts';
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
