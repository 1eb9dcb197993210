// Models in a page: from bytes or an address.
import type { LoadVec2TextOptions } from './model-file.ts';
import { readModelFile } from './model-file.ts';
import type { Vec2Text } from './module.ts';

/**
 * A trained model of the bytes that `encodeVec2Text` made, or of their address.
 * @throws CheckpointError (`CHECKPOINT`) for what is no such model, or contradicts the options
 */
export const loadVec2Text = (from: string | URL | Uint8Array, o?: LoadVec2TextOptions): Promise<Vec2Text> =>
  readModelFile(from, o);
