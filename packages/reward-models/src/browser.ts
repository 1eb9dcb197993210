/** @module @gimbal/reward-models */

export * from './everywhere.ts';
