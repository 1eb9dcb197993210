// What the package has in Node and in the page alike.
export { BufferedEnv, type EnvDescription, isBuffered } from './base/buffered-env.ts';
export { PureEnv } from './base/pure-env.ts';
export { assertEnv, type CheckOptions, checkEnv, type EnvProblem } from './checker/check-env.ts';
export * from './composer/index.ts';
export { type CompiledModel, compileMjcf } from './mujoco/compile.ts';
export { type LoadOptions, loadMujoco, mujocoVersion } from './mujoco/load.ts';
export { indexOfName, type ModelInfo, type ObjectKind, totalMass } from './mujoco/model-info.ts';
export type { MujocoSimulation } from './mujoco/simulation.ts';
export type { Mesh, Texture } from './mujoco/surfaces.ts';
export type {
  CompileOptions,
  Contact,
  PhysicsEngine,
  PhysicsModel,
  PhysicsSimulation,
} from './physics/contract.ts';
export { registerEngine } from './physics/engines.ts';
export type { FactorRange, PhysicsFactors, Randomize } from './physics/randomize.ts';
export type { Film } from './recording/film.ts';
export { encodeGif, GifFilm } from './recording/gif.ts';
export { parseRecording } from './recording/parse-recording.ts';
export type { RecordPolicy } from './recording/policy.ts';
export { EpisodeRecorder, type RecordOptions, recordEpisode } from './recording/record-episode.ts';
export type { Recording } from './recording/recording.ts';
export { type EnvRegistration, registration } from './registry/registration.ts';
export {
  type EnvId,
  type EnvOptions,
  type EnvOptionsById,
  listEnvs,
  makeEnv,
  registerEnv,
  registerScene,
} from './registry/registry.ts';
export { type Camera, defaultCamera } from './render/camera.ts';
export type { GeomPoses } from './render/canvas.ts';
export { Rasterizer } from './render/rasterizer.ts';
export * from './spaces/index.ts';
export { type Outcome, TabularEnv, type TransitionTable } from './tabular/tabular-env.ts';
export { MujocoEnv, type MujocoOptions } from './tasks/mujoco-env.ts';
export { type ToleranceOptions, tolerance } from './tasks/tolerance.ts';
export type { RowsVectorEnv } from './vector/vector-env.ts';
export { VectorFrameStack } from './vector/vector-frame-stack.ts';
export { VectorEnvWrapper, type VectorReset } from './vector/vector-wrapper.ts';
export {
  VectorClipAction,
  VectorEpisodeStatistics,
  VectorNormalizeObservation,
  VectorNormalizeReward,
  VectorRescaleAction,
  type VectorRewardMomentsState,
} from './vector/vector-wrappers.ts';
export * from './wrappers/index.ts';
