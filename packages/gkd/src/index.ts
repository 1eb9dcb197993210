/** @module @gimbal/gkd */

export * from './everywhere.ts';
export { type CacheOptions, cachedTeacher } from './teachers/cached-teacher.node.ts';
