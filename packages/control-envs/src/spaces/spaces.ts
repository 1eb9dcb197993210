/**
 * Gymnasium's six basic spaces as plain data (the types are tensor-core's); sampling, membership, flattening and
 * batching are functions beside this file. A space holds no generator: who samples brings the random stream.
 */
import {
  type BoxSpace,
  ConfigError,
  type DictSpace,
  type DiscreteSpace,
  type MultiBinarySpace,
  type MultiDiscreteSpace,
  type Space,
  type TupleSpace,
} from '@gimbal/tensor-core';

type Bound = number | ArrayLike<number>;

/**
 * Real vectors, matrices or images.
 * @param low one bound for every element, or one per element in row-major order; -Infinity = unbounded
 * @param high likewise
 * @param shape sizes; default: the length of `low` or `high`
 * @throws ConfigError if a bound is NaN, `low` exceeds `high`, or the lengths do not fit the shape
 * @example const actions = box(-1, 1, [6]);
 */
export function box(
  low: Bound,
  high: Bound,
  shape: readonly number[] = [lengthOf(low) ?? lengthOf(high) ?? 1],
  dtype: BoxSpace['dtype'] = 'float32',
): BoxSpace {
  for (const [name, bound] of Object.entries({ low, high })) {
    if (typeof bound === 'number' || Array.isArray(bound) || ArrayBuffer.isView(bound)) continue;
    throw new ConfigError({
      where: 'box',
      what: `bad ${name}`,
      got: bound,
      wanted: 'a number, or one for each element',
    });
  }
  if (!['float32', 'float64', 'uint8'].includes(dtype)) {
    throw new ConfigError({ where: 'box', what: 'bad dtype', got: dtype, wanted: 'float32, float64, uint8' });
  }
  const size = sizeOf(shape, 'box');
  const [lows, highs] = [spread(low, size, 'low'), spread(high, size, 'high')];
  for (let i = 0; i < size; i++) {
    const [a, b] = [lows[i] as number, highs[i] as number];
    const isByte = dtype !== 'uint8' || [a, b].every((x) => Number.isInteger(x) && x >= 0 && x <= 255);
    if (!isByte) {
      const wanted = 'whole numbers from 0 to 255';
      throw new ConfigError({ where: 'box', what: `bounds of element ${i} are no bytes`, got: [a, b], wanted });
    }
    if (!(a <= b) || a === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY) {
      throw new ConfigError({ where: 'box', what: `bounds of element ${i} are no interval`, got: [a, b] });
    }
  }
  return { kind: 'box', shape: [...shape], dtype, low: lows, high: highs };
}

/** The integers start … start + n − 1. */
export function discrete(n: number, start = 0): DiscreteSpace {
  positive(n, 'discrete', 'n');
  if (!Number.isSafeInteger(start)) {
    throw new ConfigError({ where: 'discrete', what: 'bad start', got: start, wanted: 'a whole number' });
  }
  return { kind: 'discrete', n, start };
}

/** A vector of integers, component i in 0 … nvec[i] − 1. */
export function multiDiscrete(nvec: readonly number[]): MultiDiscreteSpace {
  for (const n of nvec) positive(n, 'multiDiscrete', 'nvec');
  return { kind: 'multi-discrete', nvec: [...nvec] };
}

/** Zeros and ones. */
export function multiBinary(shape: number | readonly number[]): MultiBinarySpace {
  const sizes = typeof shape === 'number' ? [shape] : [...shape];
  sizeOf(sizes, 'multiBinary');
  return { kind: 'multi-binary', shape: sizes };
}

/** An ordered product of spaces; its values are objects with the keys '0', '1', … */
export function tuple(spaces: readonly Space[]): TupleSpace {
  return { kind: 'tuple', spaces: [...spaces] };
}

/** A named product of spaces. */
export function dict(spaces: { readonly [key: string]: Space }): DictSpace {
  return { kind: 'dict', spaces: { ...spaces } };
}

/** The named children of a Dict (in the order given) or a Tuple ('0', '1', …). */
export function childrenOf(space: DictSpace | TupleSpace): [key: string, child: Space][] {
  if (space.kind === 'dict') return Object.entries(space.spaces);
  return space.spaces.map((child, i) => [String(i), child]);
}

/** Number of elements of one value as it lies in an array: 1 for Discrete. */
export function elementsOf(space: Exclude<Space, DictSpace | TupleSpace>): number {
  if (space.kind === 'discrete') return 1;
  if (space.kind === 'multi-discrete') return space.nvec.length;
  return space.shape.reduce((n, d) => n * d, 1);
}

function lengthOf(bound: Bound): number | undefined {
  return typeof bound === 'number' ? undefined : bound?.length;
}

function spread(bound: Bound, size: number, name: string): Float64Array {
  if (typeof bound === 'number') return new Float64Array(size).fill(bound);
  if (bound.length !== size) {
    throw new ConfigError({ where: 'box', what: `${name} does not fit the shape`, got: bound.length, wanted: size });
  }
  return Float64Array.from(bound);
}

function sizeOf(shape: readonly number[], where: string): number {
  for (const d of shape) positive(d, where, 'shape');
  return shape.reduce((n, d) => n * d, 1);
}

function positive(n: number, where: string, name: string): void {
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new ConfigError({ where, what: `bad ${name}`, got: n, wanted: 'a whole number from 1' });
  }
}
