// D(p‖q) of rows whose classes are looked at part by part, so that no more than some columns of both logits are there at a
// time: first log Σ exp of both sides over all classes, then the sums of each part, which are added, then each part's
// gradient from the sums. The gradient's kernel is that of the whole.
import { concat, slice, stack, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import {
  attributesOf,
  checkSides,
  type DivergenceAttributes,
  type DivergenceOptions,
  divergenceGrad,
  rowSums,
} from './divergence.ts';
import { checkDtype, checkRank, checkShape } from './internal/check.ts';
import { runKernel1 } from './internal/kernel.ts';

/** D, Σ q w of the gradient, KL(p‖q), KL(q‖p), ½ Σ |p − q|, q's entropy. */
const sumsOfRow = 6;

function check(where: string, logits: Tensor2D, target: Tensor2D, normalizers: Tensor2D): void {
  checkSides(where, logits, target);
  checkRank(where, 'logits', logits, [2], '[R, C]');
  checkDtype(where, 'normalizers', normalizers, 'float32');
  checkShape(where, 'normalizers', normalizers, [logits.shape[0], 2]);
}

/**
 * What some of the classes add to each row's divergence; no gradient.
 * @param logits [R,C], float32, of some classes
 * @param target [R,C], float32, of the same
 * @param normalizers [R,2], float32: log Σ exp of the logits, and of the target, each divided by its temperature, over all
 * classes
 * @returns [R,6], to be added over all parts: D, Σ q w (for the gradient), KL(p‖q), KL(q‖p), ½ Σ |p − q| and q's entropy. The
 * caller disposes it
 * @throws as `divergence`
 */
export function divergencePart(
  logits: Tensor2D,
  target: Tensor2D,
  normalizers: Tensor2D,
  o: DivergenceOptions,
): Tensor2D {
  const where = 'divergencePart';
  check(where, logits, target, normalizers);
  const a = attributesOf(where, o, true);
  return tidy(() => {
    const column = (i: number): Tensor2D => slice(normalizers, [0, i], [logits.shape[0], 1]);
    return stack(rowSums(logits, target, column(0), column(1), a), 1) as Tensor2D;
  });
}

/**
 * The gradient to the logits of some of the classes, from the sums over all of them.
 *
 * Of the rows: `sums` [R,6], float32, are those of `divergencePart`, added over all parts; `upstream` [R], float32, is the
 * gradient of what is minimised to each row's divergence.
 * @returns [R,C]; the caller disposes it
 * @throws as `divergence`
 */
export function divergencePartGradient(
  logits: Tensor2D,
  target: Tensor2D,
  { normalizers, sums, upstream }: { normalizers: Tensor2D; sums: Tensor2D; upstream: Tensor1D },
  o: DivergenceOptions,
): Tensor2D {
  const where = 'divergencePartGradient';
  check(where, logits, target, normalizers);
  const [rows] = logits.shape;
  checkShape(where, 'sums', sums, [rows, sumsOfRow]);
  checkDtype(where, 'upstream', upstream, 'float32');
  checkShape(where, 'upstream', upstream, [rows]);
  const a = attributesOf(where, o, true);
  return tidy(() => {
    const columns = concat([normalizers, slice(sums, [0, 1], [rows, sumsOfRow - 1])], 1);
    return runKernel1<DivergenceAttributes, Tensor2D>(divergenceGrad, { dy: upstream, logits, target, columns }, a);
  });
}
