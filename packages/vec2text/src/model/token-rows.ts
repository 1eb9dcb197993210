// Token rows as the encoder takes them: from arrays, or from a tensor that says by PAD where its rows begin and end.
import type { TokenBatch } from '@gimbal/tensor-core';
import {
  add,
  cast,
  concat,
  cumsum,
  div,
  equal,
  expandDims,
  fill,
  maximum,
  notEqual,
  scalar,
  slice,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import type { Rows } from './stacks.ts';

/** Right-padded rows as tensors, made in the caller's scope. */
export function rowsOfBatch({ ids, width, lengths }: TokenBatch): Rows {
  const batch = lengths.length;
  const padded = lengths.some((length) => length < width);
  const weights = new Float32Array(batch * width);
  lengths.forEach((length, b) => {
    weights.fill(1 / length, b * width, b * width + length);
  });
  return {
    ids: tensor2d(ids, [batch, width], 'int32'),
    lengths: padded ? tensor1d(lengths, 'int32') : undefined,
    weights: tensor(weights, [batch, 1, width]) as Tensor3D,
  };
}

/** Rows padded on either side, found on the backend: nothing is read. A row of PAD alone pools to 0. */
export function rowsOfTensor(ids: Tensor2D, padId: number): Rows {
  const mask = tokenMask(ids, padId);
  const seen = cumsum(mask, 1); // tokens up to here
  const count = sum(mask, 1); // [B]
  const before = sum(cast(equal(seen, 0), 'float32'), 1);
  const int = (x: Tensor): Tensor => cast(x, 'int32');
  return {
    ids,
    starts: int(before) as Tensor1D,
    lengths: int(add(before, count)) as Tensor1D,
    positions: int(maximum(sub(seen, 1), 0)) as Tensor2D,
    weights: expandDims(div(mask, expandDims(maximum(count, 1), 1)), 1) as Tensor3D,
  };
}

/** 1 on the tokens of right-padded rows, 0 on padding [B,L]. */
export function lengthMask({ lengths, width }: TokenBatch): Tensor2D {
  const mask = new Float32Array(lengths.length * width);
  lengths.forEach((length, b) => {
    mask.fill(1, b * width, b * width + length);
  });
  return tensor2d(mask, [lengths.length, width]);
}

/** BOS, then the tokens but for the last [B,L] int32: what the decoder has read before each token. */
export function shiftRight(ids: Tensor2D, bosId: number): Tensor2D {
  const [batch, width] = ids.shape;
  return concat([fill([batch, 1], bosId, 'int32'), slice(ids, [0, 0], [batch, width - 1])], 1) as Tensor2D;
}

/** 1 on tokens, 0 on PAD [B,L]. */
export const tokenMask = (ids: Tensor2D, padId: number): Tensor2D =>
  cast(notEqual(ids, scalar(padId, 'int32')), 'float32');
