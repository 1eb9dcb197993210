/** @module @gimbal/control-envs */

export * from './everywhere.ts';
export { makeVectorEnv, type VectorOptions } from './vector/make-vector-env.browser.ts';
