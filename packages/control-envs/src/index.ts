/** @module @gimbal/control-envs */
export { BufferedEnv, type EnvDescription, isBuffered } from './base/buffered-env.ts';
export { PureEnv } from './base/pure-env.ts';
export { assertEnv, type CheckOptions, checkEnv, type EnvProblem } from './checker/check-env.ts';
export { type EnvRegistration, registration } from './registry/registration.ts';
export {
  type EnvId,
  type EnvOptions,
  type EnvOptionsById,
  listEnvs,
  makeEnv,
  registerEnv,
} from './registry/registry.ts';
export * from './spaces/index.ts';
export { type Outcome, TabularEnv, type TransitionTable } from './tabular/tabular-env.ts';
export * from './wrappers/index.ts';
