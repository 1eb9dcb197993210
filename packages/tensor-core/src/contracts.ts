/**
 * The contracts that let packages compose without importing each other: types only, declared once, on the lowest
 * floor that all of them see.
 */
export type {
  Action,
  AutoresetMode,
  Env,
  EnvSpec,
  EnvStep,
  GoalEnv,
  Info,
  Obs,
  ObsLayout,
  VecInfo,
  VecObs,
  VectorEnv,
  VectorStep,
} from './contracts/env.ts';
export type { LoopOptions, Overflow } from './contracts/loop.ts';
export type { Alert, Monitor, PreferenceFn, Prompt, RewardFn } from './contracts/rewards.ts';
export type { Schedule } from './contracts/schedule.ts';
export type {
  BoxSpace,
  DictSpace,
  DiscreteSpace,
  MultiBinarySpace,
  MultiDiscreteSpace,
  Space,
  TupleSpace,
} from './contracts/spaces.ts';
export type {
  DecodeState,
  LogitPolicy,
  SampleOptions,
  TextCodec,
  TokenBatch,
  TokenPolicy,
} from './contracts/tokens.ts';
export type { Trainer, TrainerStep, TrainRequest } from './contracts/trainer.ts';
