// Weights packed for generation: each matrix laid out once in the order the products read it. Nested uses share one
// packing, so a loop over batches may hold it and every call inside may ask for it again.
import { type PackedWeights, type Params, packWeights } from '@gimbal/tensor-core';
import type { DecoderConfig } from './config.ts';
import type { Family } from './family.ts';

interface Held {
  readonly packed: PackedWeights;
  users: number;
}

/** Trees that are packed now. */
const held = new WeakMap<Params, Held>();

/**
 * Packs the matrices of a tree until the handle is disposed. Training the parameters in between undoes it.
 * @returns the caller disposes it; safe to dispose twice
 */
export function packDecoder(params: Params, family: Family, c: DecoderConfig): PackedWeights {
  const output = c.tieEmbeddings ? family.embeddingPath : 'lm_head.weight';
  let entry = held.get(params);
  if (entry === undefined) {
    const layout = (path: string): 'in-out' | 'out-in' | undefined =>
      path === output ? 'out-in' : family.weightLayout(path);
    entry = { packed: packWeights(params, { layout }), users: 0 };
    held.set(params, entry);
  }
  const mine = entry;
  mine.users++;
  let open = true;
  const dispose = (): void => {
    if (!open) return;
    open = false;
    if (--mine.users > 0) return;
    mine.packed.dispose();
    held.delete(params);
  };
  return { count: mine.packed.count, dispose, [Symbol.dispose]: dispose };
}
