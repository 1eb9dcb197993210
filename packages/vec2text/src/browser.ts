/** @module @gimbal/vec2text */

export * from './everywhere.ts';
