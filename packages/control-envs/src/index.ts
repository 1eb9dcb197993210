/** @module @gimbal/control-envs */

export * from './everywhere.ts';
export { loadMjcf } from './mujoco/load-mjcf.node.ts';
export { ApngFilm, encodeApng, encodePng } from './recording/png.node.ts';
export { makeVectorEnv, type VectorOptions } from './vector/make-vector-env.node.ts';
export type { WorkerRestart } from './vector/worker-row-set.node.ts';
export { viewerHtml } from './viewer/html.node.ts';
