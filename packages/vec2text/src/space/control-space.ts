// The bounded spaces that codes live in: how a network's output is brought inside, and how a vector of the user's is.
//
//   box     tanh(u)                 clip to [−1, 1]          convex
//   ball    u · min(1, 1/‖u‖)       the same                 convex
//   sphere  u / ‖u‖                 the same                 not convex: slerp, or renormalise
//   free    u                       u                        unbounded: a baseline

import {
  abs,
  cast,
  clipByValue,
  clone,
  customGrad,
  div,
  greater,
  max,
  maximum,
  mul,
  sqrt,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tanh,
  tidy,
} from '@tensorflow/tfjs-core';
import { checkName } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import { checkSize } from './check-size.ts';
import { type Codes, joinCodes, rowsOf } from './codes.ts';

/** The name of a control space. */
export type SpaceKind = 'box' | 'ball' | 'sphere' | 'free';

/** A control space: where the vectors are that a decoder turns into text. Holds no tensors. */
export interface ControlSpace {
  /** Which. */
  readonly kind: SpaceKind;
  /** k: coordinates of a code. */
  readonly dim: number;
  /** Whether every code is within a known distance of 0. */
  readonly bounded: boolean;
  /** Whether the way between two codes stays inside. */
  readonly convex: boolean;
  /**
   * The codes of a network's outputs [B,k], differentiable (its gradient is finite at 0, too). The caller disposes them. On the
   * sphere a vector shorter than 1e-12 has no direction and stays short.
   */
  squash(u: Tensor2D): Tensor2D;
  /** The nearest codes to any vectors [B,k], differentiable; the caller disposes them. A zero vector stays zero on the sphere. */
  project(z: Tensor2D): Tensor2D;
  /**
   * The nearest codes to any vectors.
   * @throws ShapeError for another width; NumericalError for NaN or ±∞ (`NOT_FINITE`) and a zero vector on the sphere
   * (`DEGENERATE`)
   */
  projectCodes(z: Codes): Codes;
  /**
   * Which rows are codes of this space, each coordinate or norm within `tolerance` (1e-5); NaN and ±∞ are not.
   * @throws ShapeError for another width
   */
  contains(z: Codes, tolerance?: number): boolean[];
}

/** The names of the control spaces. */
export const spaceKinds: readonly SpaceKind[] = ['box', 'ball', 'sphere', 'free'];

/** Lengths below it count as it, so that the gradient of a direction is at most 1e12, at zero, too. */
const tiny = 1e-12;

/**
 * ‖x‖ by row, at least `tiny` [B,1]. Of the numbers divided by the greatest: float32 squares of 1e20 are infinite, of 1e-23
 * zero. Its gradient x/‖x‖ is given, for a root has none at 0.
 */
const norms = customGrad((x, save) => {
  const most = maximum(max(abs(x as Tensor), -1, true), tiny);
  const value = maximum(mul(most, sqrt(sum(square(div(x as Tensor, most)), -1, true))), tiny);
  (save as (tensors: Tensor[]) => void)([x as Tensor, value]);
  const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor => {
    const [of, length] = saved as [Tensor, Tensor];
    return mul(mul(dy, div(of, length)), cast(greater(length, tiny), 'float32'));
  };
  return { value, gradFunc };
});

/**
 * A control space.
 * @param dim k, a whole number ≥ 1; for the sphere ≥ 2
 * @throws ConfigError for another kind or size
 * @example controlSpace('box', 32).contains(new Float32Array(32)); // [true]
 */
export function controlSpace(kind: SpaceKind, dim: number): ControlSpace {
  checkName('controlSpace.kind', kind, spaceKinds);
  checkSize('controlSpace.dim', dim, kind === 'sphere' ? 2 : 1);
  const squash: Record<SpaceKind, (u: Tensor2D) => Tensor2D> = {
    box: (u) => tanh(u),
    ball: (u) => tidy(() => div(u, maximum(norms(u), 1))),
    sphere: (u) => tidy(() => div(u, norms(u))),
    free: (u) => clone(u),
  };
  const project = { ...squash, box: (z: Tensor2D): Tensor2D => clipByValue(z, -1, 1) }[kind];
  return {
    kind,
    dim,
    bounded: kind !== 'free',
    convex: kind !== 'sphere',
    squash: squash[kind],
    project,
    projectCodes: (z) => {
      const rows = rowsOf('vec2text: project', z, dim).map((row, i) => projectRow(kind, row, i));
      return joinCodes(rows, dim);
    },
    contains: (z, tolerance = 1e-5) =>
      rowsOf('vec2text: contains', z, dim, { finite: false }).map((row) => isInside(kind, row, tolerance)),
  };
}

function projectRow(kind: SpaceKind, row: Float32Array, index: number): Float32Array {
  if (kind === 'free') return row;
  if (kind === 'box') return row.map((x) => Math.max(-1, Math.min(1, x)));
  const norm = normOf(row);
  if (kind === 'ball' && norm <= 1) return row;
  if (norm === 0) throw zeroOnSphere('vec2text: project', index);
  return row.map((x) => x / norm);
}

/** ‖row‖ in double precision: the squares of float32 numbers do not overflow. */
export function normOf(row: Float32Array): number {
  let total = 0;
  for (const x of row) total += x * x;
  return Math.sqrt(total);
}

export const zeroOnSphere = (where: string, row: number): Error =>
  refusal('DEGENERATE', { where, what: `row ${row} is a zero vector, which has no direction on the sphere` });

function isInside(kind: SpaceKind, row: Float32Array, tolerance: number): boolean {
  if (!row.every(Number.isFinite)) return false;
  if (kind === 'free') return true;
  if (kind === 'box') return row.every((x) => Math.abs(x) <= 1 + tolerance);
  const norm = normOf(row);
  return kind === 'ball' ? norm <= 1 + tolerance : Math.abs(norm - 1) <= tolerance;
}
