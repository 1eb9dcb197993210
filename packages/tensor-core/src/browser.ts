/** @module @gimbal/tensor-core */
import './register-gradients.ts';

export type { BackendInfo, BackendName, BackendOptions, BackendReport, PassedOver } from './backend/backend-info.ts';
export { backendReport, useBackend } from './backend/use-backend.browser.ts';
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
export * from './ops/index.ts';
export type { FloatDtype, RawArray, SafetensorsDtype, TensorValues } from './safetensors/dtype.ts';
export { type EncodeOptions, encodeSafetensors, tensorsToWrite } from './safetensors/encode.ts';
export { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './safetensors/half.ts';
export type { TensorEntry } from './safetensors/header.ts';
export type { TensorToWrite } from './safetensors/layout.ts';
export { openSafetensors, readSafetensors } from './safetensors/open.ts';
export { type ByteSource, blobSource, bytesSource, type SourceLike, urlSource } from './safetensors/source.ts';
export type { WeightFile } from './safetensors/weight-file.ts';
export { type BatchSource, mapBatches, oneBatch } from './training/batch-source.ts';
export { type EpochOptions, EpochSampler, type EpochState } from './training/epochs.ts';
