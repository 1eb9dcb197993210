/** @module @gimbal/vec2text */

export { readRoundTrips, roundTripFile } from './data/round-trip-file.node.ts';
export * from './everywhere.ts';
export { loadInverter, saveInverter } from './inversion/inverter-folder.node.ts';
export { loadVec2Text, saveVec2Text } from './model/model-folder.node.ts';
