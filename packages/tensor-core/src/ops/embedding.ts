// Token embedding, with learned positions if wanted: y[…, t] = table[ids[…, t]] + positions[t].

import {
  add,
  gather,
  pad,
  reshape,
  slice,
  sum,
  type Tensor,
  type Tensor1D,
  unsortedSegmentSum,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { checkDtype, checkRank, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused1 } from './internal/fused-op.ts';
import { defineKernel, present, runKernel1 } from './internal/kernel.ts';

type Shape = { shape: readonly number[] };

/** dtable [V,D]: rows of dy added where their ids say; in a fixed order, so that runs agree to the bit. */
const embeddingGrad = defineKernel('EmbeddingGrad', (inputs, { shape: [rows, width] }: Shape) => {
  const { dy, ids } = inputs as { dy: Tensor; ids: Tensor };
  const flat = reshape(ids, [-1]) as Tensor1D;
  return [unsortedSegmentSum(reshape(dy, [flat.size, width as number]), flat, rows as number)];
});

/** dpositions [Tmax,D]: dy summed over all but its last two axes, zeros behind. */
const positionsGrad = defineKernel('PositionsGrad', (inputs, { shape: [rows, width] }: Shape) => {
  const dy = inputs.dy as Tensor;
  const time = dy.shape[dy.rank - 2] as number;
  const total = sum(reshape(dy, [-1, time, width as number]), 0);
  return [
    pad(total, [
      [0, (rows as number) - time],
      [0, 0],
    ]),
  ];
});

const embeddingOp = defineFusedOp<Record<string, never>>({
  name: 'Embedding',
  compose: (inputs) => {
    const { ids, table, positions } = inputs as { ids: Tensor; table: Tensor; positions?: Tensor };
    const y = gather(table, ids);
    if (positions === undefined) return [y];
    return [add(y, slice(positions, [0, 0], [ids.shape[ids.rank - 1] as number, -1]))];
  },
  saveInputs: ['ids', 'table', 'positions'],
  gradient: ({ dys, inputs }) => {
    const { ids, table, positions } = inputs as { ids: Tensor; table: Tensor; positions?: Tensor };
    const dy = dys[0] as Tensor;
    return {
      table: () => runKernel1(embeddingGrad, { dy, ids }, { shape: table.shape }),
      positions: () => runKernel1(positionsGrad, { dy }, { shape: (positions as Tensor).shape }),
    };
  },
});

/**
 * Looks up rows of a table.
 * @param ids [...], int32, each in [0, V); on `native` another id gives a row of NaN instead of an error
 * @param table [V,D], float32
 * @param o.positions [Tmax,D]: row t is added to the rows of index t along the last axis of `ids`
 * @returns [..., D]; the caller disposes it
 * @throws ShapeError for a wrong dtype or rank, or where ids are longer than the table of positions
 */
export function embedding<T extends Tensor = Tensor>(
  ids: Tensor,
  table: Tensor,
  o: { positions?: Tensor | undefined } = {},
): T {
  const { positions } = o;
  checkDtype('embedding', 'ids', ids, 'int32');
  checkDtype('embedding', 'table', table, 'float32');
  checkRank('embedding', 'table', table, [2], '[V,D]');
  if (positions !== undefined) {
    checkRank('embedding', 'ids', ids, [1, 2, 3, 4, 5], '[..., T] where there are positions');
    checkDtype('embedding', 'positions', positions, 'float32');
    checkRank('embedding', 'positions', positions, [2], '[Tmax,D]');
    checkShape('embedding', 'positions', positions, [positions.shape[0] as number, table.shape[1] as number]);
    const time = ids.shape[ids.rank - 1] as number;
    if (time > (positions.shape[0] as number))
      throw new ShapeError({
        where: 'embedding',
        what: 'ids are longer than the table of positions',
        got: time,
        wanted: `at most ${positions.shape[0]}`,
      });
  }
  return runFused1(embeddingOp, present({ ids, table, positions }), {});
}
