/** @module @gimbal/vec2text */

export * from './everywhere.ts';
export { loadVec2Text } from './model/load.browser.ts';
