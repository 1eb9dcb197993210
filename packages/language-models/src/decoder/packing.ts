// Weights packed for generation: each matrix laid out once in the order the products read it. Nested uses share one
// packing, so a loop over batches may hold it and every call inside may ask for it again.
import { currentPrecision, type PackedWeights, type Params, packWeights, type WeightLayout } from '@gimbal/tensor-core';
import type { DecoderConfig } from './config.ts';
import type { Family } from './family.ts';

/** Something that lives as long as a packing. */
export interface Kept {
  /** Frees what it holds. */
  free(): void;
}

interface Held {
  /** One packing for each precision that asked for one. */
  readonly packed: Map<string, PackedWeights>;
  users: number;
  /** What the last generation left for the next (kept-state.ts). */
  kept: Kept | undefined;
}

/** Trees that are packed now. */
const held = new WeakMap<Params, Held>();

/** The packing of a tree, if it is packed now. */
export const holderOf = (params: Params): { kept: Kept | undefined } | undefined => held.get(params);

/**
 * Packs the matrices of a tree for the current precision until the handle is disposed. Training the parameters in
 * between undoes it.
 * @returns the caller disposes it; safe to dispose twice
 */
export function packDecoder(params: Params, family: Family, c: DecoderConfig): PackedWeights {
  const output = c.tieEmbeddings ? family.embeddingPath : 'lm_head.weight';
  return packMatrices(params, (path) => (path === output ? 'out-in' : family.weightLayout(path)));
}

/**
 * Packs the matrices of any tree for the current precision until the handle is disposed; nested uses share one packing.
 * @returns the caller disposes it; safe to dispose twice
 * @param layout of the matrix at a path; undefined for what is no matrix of a product
 */
export function packMatrices(params: Params, layout: (path: string) => WeightLayout | undefined): PackedWeights {
  const entry = held.get(params) ?? { packed: new Map<string, PackedWeights>(), users: 0, kept: undefined };
  held.set(params, entry);
  const precision = currentPrecision();
  let packed = entry.packed.get(precision);
  if (packed === undefined) {
    packed = packWeights(params, { layout, precision });
    entry.packed.set(precision, packed);
  }
  entry.users++;
  let open = true;
  const dispose = (): void => {
    if (!open) return;
    open = false;
    if (--entry.users > 0) return;
    entry.kept?.free();
    entry.kept = undefined;
    for (const each of entry.packed.values()) each.dispose();
    held.delete(params);
  };
  return { count: packed.count, dispose, [Symbol.dispose]: dispose };
}
