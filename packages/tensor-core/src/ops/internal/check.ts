// Checks of what the public ops are given. All of them look at shapes and dtypes only, never at values: reading a value
// would make the caller wait for the backend.

import type { Tensor } from '@tensorflow/tfjs-core';
import { ConfigError, kindOf, nearest, ShapeError } from '../../errors.ts';

/** Refuses what is no tensor, and a tensor that was disposed: its memory may be another's by now. */
export function checkTensor(where: string, name: string, x: Tensor): void {
  const given: { isDisposed?: boolean } | null | undefined = x;
  if (given?.isDisposed === false) return;
  if (given?.isDisposed === true) {
    const fix = 'Dispose it after its last use, or keep it where a tidy would dispose it';
    throw new ShapeError({ where, what: `${name} was disposed before this call`, fix });
  }
  throw new ShapeError({ where, what: `${name} is no tensor`, got: kindOf(given), wanted: 'a tensor' });
}

/** Refuses what is no list. */
export function checkList(where: string, what: string, xs: unknown, wanted: string, fix?: string): void {
  if (Array.isArray(xs)) return;
  throw new ShapeError({ where, what, got: kindOf(xs), wanted, ...(fix !== undefined && { fix }) });
}

/** Refuses an argument that has no default and is not there, or is something else altogether. */
export function checkGiven(
  where: string,
  what: string,
  given: unknown,
  ok: boolean,
  wanted: string,
  fix?: string,
): void {
  if (ok) return;
  throw new ConfigError({ where, what, got: kindOf(given), wanted, ...(fix !== undefined && { fix }) });
}

/** Refuses a tensor whose rank is not one of `ranks`. */
export function checkRank(where: string, name: string, x: Tensor, ranks: readonly number[], form: string): void {
  checkTensor(where, name, x);
  if (!ranks.includes(x.rank))
    throw new ShapeError({ where, what: `${name} has rank ${x.rank}`, got: x.shape, wanted: form });
}

/** Refuses a tensor that has not exactly this shape. */
export function checkShape(where: string, name: string, x: Tensor, shape: readonly number[], form?: string): void {
  checkTensor(where, name, x);
  if (!sameShape(x.shape, shape))
    throw new ShapeError({
      where,
      what: `${name} has the wrong shape`,
      got: x.shape,
      wanted: form === undefined ? shape : `[${shape.join(',')}] ${form}`,
    });
}

/** Refuses a tensor of another dtype. */
export function checkDtype(where: string, name: string, x: Tensor, dtype: 'float32' | 'int32'): void {
  checkTensor(where, name, x);
  if (x.dtype !== dtype)
    throw new ShapeError({
      where,
      what: `${name} has the wrong dtype`,
      got: x.dtype,
      wanted: dtype,
      fix: `Convert it with cast(${name}, '${dtype}')`,
    });
}

/** Refuses a name that is not one of `known`, and proposes the one that was probably meant. */
export function checkName(where: string, option: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const guess = nearest(name, known);
  throw new ConfigError({
    where,
    what: `unknown ${option}`,
    got: name,
    wanted: `one of ${known.join(', ')}`,
    ...(guess === undefined ? {} : { fix: `Did you mean ${guess}?` }),
  });
}

/** Refuses a number outside its range; NaN is outside every range. */
export function checkNumber(where: string, option: string, value: number, ok: boolean, wanted: string): void {
  if (!ok || Number.isNaN(value))
    throw new ConfigError({ where, what: `${option} is out of range`, got: value, wanted });
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The product of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}
