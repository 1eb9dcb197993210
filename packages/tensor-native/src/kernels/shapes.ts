// Shapes and steps shared by the kernel families.
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';

/** Elements of a shape; 1 for a scalar. */
export const sizeOf: (shape: readonly number[]) => number = (shape) => {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  return size;
};

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Steps in elements between neighbours along each dimension of a contiguous tensor. */
export function contiguousSteps(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    steps[i] = step;
    step *= shape[i] as number;
  }
  return steps;
}

/** A shape with leading ones up to `rank` dimensions. */
export function padShape(shape: readonly number[], rank: number): number[] {
  const padded = new Array<number>(rank).fill(1);
  for (let i = 0; i < shape.length; i++) padded[rank - shape.length + i] = shape[i] as number;
  return padded;
}

/** The axes of a kernel's attribute, sorted, none negative. */
export function sortedAxes(axis: number | number[] | undefined, shape: number[]): number[] {
  return util.parseAxisParam(axis as number, shape).sort((a, b) => a - b);
}

/** The result shape of a broadcast. @throws when the shapes do not fit */
export function broadcastShape(a: number[], b: number[]): number[] {
  return backend_util.assertAndGetBroadcastShape(a, b);
}

/** True for the types that native kernels store as 4 bytes or one. */
export function isNumeric(tensor: TensorInfo): boolean {
  return tensor.dtype === 'float32' || tensor.dtype === 'int32' || tensor.dtype === 'bool';
}

export function bytesOf(tensor: TensorInfo): number {
  return tensor.dtype === 'bool' ? 1 : 4;
}
