/**
 * Σ w D over rows without their logits: chunk by chunk the products with both heads, D, its gradient in closed form, and
 * what that adds to the gradients of states and head; a chunk's logits are gone before the next begins.
 */
import { type DivergenceOptions, divergenceWithGradient, linear, tokenLogProbs } from '@gimbal/tensor-core';
import {
  add,
  concat,
  customGrad,
  matMul,
  mul,
  reshape,
  type Scalar,
  slice,
  stack,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import type { DenseRows } from './aligned-rows.ts';
import { width as columnCount } from './table.ts';
import { someRows, teacherLogits } from './teacher-logits.ts';
import { vocabularyPass } from './vocabulary-chunks.ts';

export interface ChunkedInput {
  /** the student's states `[R, D]` and head `[V, D]` */
  hidden: Tensor2D;
  head: Tensor2D;
  teacher: DenseRows;
  /** of D of each row `[R]` */
  weights: Float32Array;
  /** the completion's own tokens `[R]` */
  ids: Int32Array;
  divergence: DivergenceOptions;
  rowsPerChunk: number;
  /** columns of those rows' logits that are there at a time; default all */
  vocabularyPerChunk?: number | undefined;
  /** false: the head is no parameter, and its gradient is not computed */
  trainsHead: boolean;
}

/**
 * @returns loss, differentiable in hidden and head, and the table `[R, columns]`, which is not; the caller's scope owns
 * both
 */
export function chunkedRows(input: ChunkedInput): { loss: Scalar; table: Tensor2D } {
  const { hidden, head, trainsHead } = input;
  const rows = hidden.shape[0];
  // one tensor, as customGrad has one value: the loss, then the table row by row
  const op = customGrad((...given) => {
    const save = given.pop() as GradSaver;
    const [h, w = head] = given as Tensor2D[];
    const pass = forward(input, h as Tensor2D, w);
    save([pass.dHidden, ...(pass.dHead ? [pass.dHead] : [])]);
    return {
      value: pass.packed,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const upstream = reshape(slice(dy, [0], [1]), []);
        return saved.map((d) => mul(d, upstream));
      },
    };
  });
  const packed = trainsHead ? op(hidden, head) : op(hidden);
  return {
    loss: reshape(slice(packed, [0], [1]), []) as Scalar,
    table: reshape(slice(packed, [1], [rows * columnCount]), [rows, columnCount]),
  };
}

type GradSaver = (tensors: Tensor[]) => void;

interface Pass {
  packed: Tensor1D;
  dHidden: Tensor2D;
  dHead: Tensor2D | undefined;
}

function forward(o: ChunkedInput, hidden: Tensor2D, head: Tensor2D): Pass {
  const rows = hidden.shape[0];
  const [dHidden, tables]: [Tensor2D[], Tensor2D[]] = [[], []];
  let dHead: Tensor2D | undefined;
  for (let from = 0; from < rows; from += o.rowsPerChunk) {
    const count = Math.min(o.rowsPerChunk, rows - from);
    const before = dHead;
    const chunk = tidy(() => {
      const to = from + count;
      const states = count === rows ? hidden : slice(hidden, [from, 0], [count, hidden.shape[1]]);
      if (o.vocabularyPerChunk !== undefined && o.vocabularyPerChunk < head.shape[0])
        return byColumns(o, { states, head, from, count, columns: o.vocabularyPerChunk, before });
      const z = linear<Tensor2D>(states, head, { weightLayout: 'out-in' });
      const target = teacherLogits(o.teacher, from, count);
      const weights = tensor1d(o.weights.subarray(from, to));
      const own = tensor1d(o.ids.subarray(from, to), 'int32');
      const logQ = tokenLogProbs(z, own);
      // the gradient takes the place of the logits: they are read no more
      const rules = { ...o.divergence, overwrite: true };
      const { values, measures, gradient } = divergenceWithGradient(z, target, weights, rules);
      const first = stack([values, logQ, tokenLogProbs(target, own)], 1);
      const product = o.trainsHead ? matMul(gradient, states, true, false) : undefined;
      return {
        table: concat([first, measures, zeros([count, 1])], 1) as Tensor2D,
        dStates: matMul(gradient, head) as Tensor2D,
        ...(product && { dHead: (before === undefined ? product : add(before, product)) as Tensor2D }),
      };
    });
    tables.push(chunk.table);
    dHidden.push(chunk.dStates);
    dHead = chunk.dHead;
    before?.dispose();
  }
  const table = joined(tables);
  const d = slice(table, [0, 0], [rows, 1]);
  const loss = sum(mul(reshape(d, [rows]), tensor1d(o.weights)));
  const packed = concat([reshape(loss, [1]), reshape(table, [-1])]) as Tensor1D;
  return { packed, dHidden: joined(dHidden), dHead };
}

/** The same of a chunk of which not all columns are there at once. */
function byColumns(
  o: ChunkedInput,
  c: { states: Tensor2D; head: Tensor2D; from: number; count: number; columns: number; before: Tensor2D | undefined },
): { table: Tensor2D; dStates: Tensor2D; dHead?: Tensor2D } {
  const { states, head, from, count, columns, before } = c;
  const found = vocabularyPass({
    ...{ states, head, columns, divergence: o.divergence, trainsHead: o.trainsHead },
    ...{ teacher: someRows(o.teacher, from, count), weights: tensor1d(o.weights.subarray(from, from + count)) },
    ids: o.ids.subarray(from, from + count),
  });
  const { values, logQ, logP, measures, dStates, dHead } = found;
  return {
    table: concat([stack([values, logQ, logP], 1), measures, zeros([count, 1])], 1) as Tensor2D,
    dStates,
    ...(dHead && { dHead: before === undefined ? dHead : (add(before, dHead) as Tensor2D) }),
  };
}

function joined(parts: Tensor2D[]): Tensor2D {
  if (parts.length === 1) return parts[0] as Tensor2D;
  const whole = concat(parts, 0);
  for (const each of parts) each.dispose();
  return whole;
}
