/** @module @gimbal/gkd */

export * from './everywhere.ts';
export { type CacheOptions, cachedTeacher } from './teachers/cached-teacher.node.ts';
export {
  type FillCacheOptions,
  fillTeacherCache,
  type OpenCacheOptions,
  openTeacherCache,
} from './teachers/open-teacher-cache.node.ts';
