/** @module @gimbal/gkd */

export * from './everywhere.ts';
