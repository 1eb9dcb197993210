// The ways through a decoder: whole rows at once (training, scoring), or the next columns with a cache (generation).
import { attention, attentionDecode, dropout, type Rng } from '@gimbal/tensor-core';
import { slice, type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import type { DecoderConfig } from './config.ts';
import type { DecoderState } from './decode-state.ts';
import type { Pass } from './family.ts';
import { segmentAttention, segmentPositions } from './segments.ts';

/** What a layer's attention adds to the usual: a window, a cap, a scale of its own. */
function attentionOf(c: DecoderConfig): (layer: number) => { window?: number; softcap?: number; scale?: number } {
  const { queryScale = c.headWidth ** -0.5, ropeScaling } = c;
  // YaRN lengthens queries and keys alike: as well their product
  const stretch = ropeScaling?.type === 'yarn' ? ropeScaling.attentionFactor ** 2 : 1;
  const all = {
    ...(c.queryScale === undefined && stretch === 1 ? {} : { scale: queryScale * stretch }),
    ...(c.attentionSoftcap === undefined ? {} : { softcap: c.attentionSoftcap }),
  };
  const slides = c.window === undefined ? all : { ...all, window: c.window };
  return (layer) => (c.slidingLayers?.[layer] ? slides : all);
}

const keep = <T extends Tensor>(x: T): T => x;

/** [B,T,D] → [B,1,D] */
const lastColumn = <T extends Tensor>(x: T): T => {
  const time = x.shape[1] as number;
  return time === 1 ? x : slice(x, [0, time - 1, 0], [-1, 1, -1]);
};

/**
 * A pass over whole rows. Rows are padded on the right, if at all: a causal query sees nothing behind it, so padding
 * needs no mask.
 * @param rng where dropout's noise comes from; without it nothing is dropped
 * @param segments lengths of rows that stand one after the other in one line
 */
export function wholePass(c: DecoderConfig, rng?: Rng, segments?: readonly number[]): Pass {
  const options = { heads: c.heads, kvHeads: c.kvHeads, causal: true };
  const special = attentionOf(c);
  const drops = rng !== undefined && c.dropout > 0;
  const positions = segments && segmentPositions(segments);
  return {
    offset: 0,
    // made where it is asked for: a block that is computed again in the backward pass outlives what was made here
    get positions() {
      return positions && tensor2d(positions, [1, positions.length], 'int32');
    },
    attend(layer, q, k, v) {
      const o = { ...options, ...special(layer) };
      if (segments) return segmentAttention(segments, [q, k, v], o);
      return k && v ? attention(q, k, v, o) : attention(q, o);
    },
    narrow: (_, x) => x,
    drops,
    // a stream per place: a block that is computed twice (gradient checkpointing) drops the same elements twice
    drop: drops ? (x, place) => dropout(x, c.dropout, rng.split(place)) : keep,
  };
}

/**
 * A pass over the next columns, which joins them to the cache. Of the last layer it gives the last column only.
 * @param place [1] int32, the caches' length at the time it runs, for a step that is captured
 */
export function cachedPass(c: DecoderConfig, state: DecoderState, positions: Tensor | undefined, place?: Tensor): Pass {
  const options = { heads: c.heads, starts: state.startsTensor, place };
  const special = attentionOf(c);
  return {
    offset: state.length,
    positions,
    attend(layer, q, k, v) {
      const cache = state.caches[layer];
      if (cache === undefined) throw new RangeError(`decoder: no cache for layer ${layer}`);
      return attentionDecode(q, k, v, cache, { ...options, ...special(layer) });
    },
    narrow: (layer, x) => (layer === c.layers - 1 ? lastColumn(x) : x),
    drops: false,
    drop: keep,
  };
}

/** The pass of block `index`, which drops with streams of its own. */
export const passOfBlock = (pass: Pass, index: number): Pass =>
  pass.drops
    ? Object.defineProperty({ ...pass, drop: (y, place) => pass.drop(y, `${index}.${place}`) } as Pass, 'positions', {
        get: () => pass.positions,
      })
    : pass;
