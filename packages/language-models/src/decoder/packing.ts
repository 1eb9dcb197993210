// Weights packed for generation: each matrix laid out once in the order the products read it. Nested uses share one
// packing, so a loop over batches may hold it and every call inside may ask for it again.
import { currentPrecision, type PackedWeights, type Params, packWeights } from '@gimbal/tensor-core';
import type { DecoderConfig } from './config.ts';
import type { Family } from './family.ts';

interface Held {
  /** One packing for each precision that asked for one. */
  readonly packed: Map<string, PackedWeights>;
  users: number;
}

/** Trees that are packed now. */
const held = new WeakMap<Params, Held>();

/**
 * Packs the matrices of a tree for the current precision until the handle is disposed. Training the parameters in
 * between undoes it.
 * @returns the caller disposes it; safe to dispose twice
 */
export function packDecoder(params: Params, family: Family, c: DecoderConfig): PackedWeights {
  const entry = held.get(params) ?? { packed: new Map<string, PackedWeights>(), users: 0 };
  held.set(params, entry);
  const precision = currentPrecision();
  let packed = entry.packed.get(precision);
  if (packed === undefined) {
    const output = c.tieEmbeddings ? family.embeddingPath : 'lm_head.weight';
    packed = packWeights(params, {
      layout: (path) => (path === output ? 'out-in' : family.weightLayout(path)),
      precision,
    });
    entry.packed.set(precision, packed);
  }
  entry.users++;
  let open = true;
  const dispose = (): void => {
    if (!open) return;
    open = false;
    if (--entry.users > 0) return;
    for (const each of entry.packed.values()) each.dispose();
    held.delete(params);
  };
  return { count: packed.count, dispose, [Symbol.dispose]: dispose };
}
