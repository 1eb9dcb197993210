/** Values of spaces: allocate, copy, sample, check and flatten them. Discrete values are numbers, or arrays of one. */
import { ConfigError, type Obs, type Rng, type Space } from '@gimbal/tensor-core';
import { childrenOf, elementsOf } from './spaces.ts';

/** A value of a space: a number for Discrete, a typed array for the other simple ones, an object for products. */
export type Value = number | Float32Array | Float64Array | Uint8Array | { [key: string]: Value };

type Leaf = Float32Array | Float64Array | Uint8Array;

/**
 * Arrays for `count` values of a space, stacked: `[count * size]` for each leaf.
 * @param buffers where the memory comes from; default: fresh arrays
 */
export function allocate(space: Space, count = 1, buffers: (bytes: number) => ArrayBufferLike = plain): Obs {
  if (space.kind === 'dict' || space.kind === 'tuple') {
    return Object.fromEntries(childrenOf(space).map(([key, child]) => [key, allocate(child, count, buffers)]));
  }
  const size = elementsOf(space) * count;
  const dtype = space.kind === 'box' ? space.dtype : space.kind === 'multi-binary' ? 'uint8' : 'float32';
  if (dtype === 'uint8') return new Uint8Array(buffers(size), 0, size);
  if (dtype === 'float64') return new Float64Array(buffers(size * 8), 0, size);
  return new Float32Array(buffers(size * 4), 0, size);
}

const plain = (bytes: number): ArrayBufferLike => new ArrayBuffer(bytes);

/** Copies an observation into arrays of the same structure. */
export function copyInto(target: Obs, source: Obs): void {
  if (ArrayBuffer.isView(target)) {
    target.set(source as Leaf);
    return;
  }
  for (const key of Object.keys(target)) {
    copyInto(target[key] as Obs, (source as { [key: string]: Obs })[key] as Obs);
  }
}

/** A copy in memory of its own. */
export function cloneObs<T extends Obs>(obs: T): T {
  if (ArrayBuffer.isView(obs)) return obs.slice() as T;
  return Object.fromEntries(Object.entries(obs).map(([key, part]) => [key, cloneObs(part)])) as T;
}

/** Whether two observations hold the same bytes (NaN equals NaN). */
export function equalObs(a: Obs, b: Obs): boolean {
  if (ArrayBuffer.isView(a)) {
    if (!ArrayBuffer.isView(b) || a.length !== b.length) return false;
    return a.every((x, i) => Object.is(x, b[i]) || x === b[i]);
  }
  const keys = Object.keys(a);
  if (ArrayBuffer.isView(b) || Object.keys(b).length !== keys.length) return false;
  return keys.every((key) => key in b && equalObs(a[key] as Obs, b[key] as Obs));
}

/**
 * A uniformly drawn value; an element bounded on one side is exponential, an unbounded one normal, as in Gymnasium.
 * Children of a product draw from streams of their own, so equal children get different values.
 * @param mask Discrete only: `[n]`, 1 = may be drawn
 * @throws ConfigError for a mask that allows nothing
 */
export function sample(space: Space, stream: Rng, mask?: ArrayLike<number>): Value {
  switch (space.kind) {
    case 'dict':
    case 'tuple': {
      // one word from the parent makes each call's children new; the name makes them independent of each other
      const call = stream.split(stream.int(2 ** 32));
      return Object.fromEntries(childrenOf(space).map(([key, child]) => [key, sample(child, call.split(key))]));
    }
    case 'discrete':
      return (space.start ?? 0) + (mask === undefined ? stream.int(space.n) : drawMasked(space.n, mask, stream));
    case 'multi-discrete':
      return Float32Array.from(space.nvec, (n) => stream.int(n));
    case 'multi-binary':
      return Uint8Array.from({ length: elementsOf(space) }, () => stream.int(2));
    case 'box': {
      const out = allocate(space) as Leaf;
      for (let i = 0; i < out.length; i++) {
        out[i] = drawElement(space.low[i] as number, space.high[i] as number, space.dtype === 'uint8', stream);
      }
      return out;
    }
  }
}

function drawMasked(n: number, mask: ArrayLike<number>, stream: Rng): number {
  if (mask.length !== n) {
    throw new ConfigError({ where: 'sample', what: 'mask does not fit', got: mask.length, wanted: n });
  }
  const allowed = Array.from(mask).flatMap((m, i) => (m ? [i] : []));
  if (allowed.length === 0) throw new ConfigError({ where: 'sample', what: 'mask allows no value' });
  return stream.choice(allowed);
}

function drawElement(low: number, high: number, whole: boolean, stream: Rng): number {
  if (whole) return low + stream.int(high - low + 1);
  if (Number.isFinite(low) && Number.isFinite(high)) {
    const part = stream.uniform();
    // the difference of two large numbers may be infinite
    return Number.isFinite(high - low) ? low + (high - low) * part : low * (1 - part) + high * part;
  }
  const exponential = (): number => -Math.log1p(-stream.uniform());
  if (Number.isFinite(low)) return low + exponential();
  if (Number.isFinite(high)) return high - exponential();
  return stream.normal();
}

/** Why a value is not in the space, or undefined if it is: `[3] is 1.5, above its bound 1`. */
export function fault(space: Space, value: unknown, path = ''): string | undefined {
  const at = path === '' ? '' : `${path}: `;
  switch (space.kind) {
    case 'dict':
    case 'tuple': {
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return `${at}is no object of parts`;
      const parts = value as { [key: string]: unknown };
      const children = childrenOf(space);
      const surplus = Object.keys(parts).find((key) => !children.some(([name]) => name === key));
      if (surplus !== undefined) return `${at}has a part ${JSON.stringify(surplus)} that the space has not`;
      for (const [key, child] of children) {
        if (!(key in parts)) return `${at}lacks the part ${JSON.stringify(key)}`;
        const found = fault(child, parts[key], path === '' ? key : `${path}.${key}`);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    case 'discrete': {
      const n = ArrayBuffer.isView(value) && (value as Leaf).length === 1 ? (value as Leaf)[0] : value;
      const start = space.start ?? 0;
      const good = typeof n === 'number' && Number.isInteger(n) && n >= start && n < start + space.n;
      return good ? undefined : `${at}${String(n)} is no whole number from ${start} to ${start + space.n - 1}`;
    }
    default: {
      if (!ArrayBuffer.isView(value)) return `${at}is no typed array`;
      const array = value as Leaf;
      const size = elementsOf(space);
      if (array.length !== size) return `${at}has ${array.length} elements, wanted ${size}`;
      const [wanted, name] = [arrayName(space), (array as object).constructor.name];
      if (wanted !== name) return `${at}is a ${name}, wanted a ${wanted}`;
      for (let i = 0; i < size; i++) {
        const found = faultOfElement(space, array[i] as number, i);
        if (found !== undefined) return `${at}[${i}] is ${array[i]}, ${found}`;
      }
      return undefined;
    }
  }
}

/** The typed array that a simple space's values are. */
const arrayName = (space: Space): string => (allocate(space) as object).constructor.name;

function faultOfElement(space: Space, x: number, i: number): string | undefined {
  if (space.kind === 'box') {
    // bounds are compared in the precision of the values: 0.1 in float32 is above 0.1
    const round = space.dtype === 'float32' ? Math.fround : (v: number) => v;
    if (Number.isNaN(x)) return 'not a number';
    if (x < round(space.low[i] as number)) return `below its bound ${space.low[i]}`;
    if (x > round(space.high[i] as number)) return `above its bound ${space.high[i]}`;
    return undefined;
  }
  const n = space.kind === 'multi-discrete' ? (space.nvec[i] as number) : 2;
  return Number.isInteger(x) && x >= 0 && x < n ? undefined : `no whole number from 0 to ${n - 1}`;
}

/** Whether a value is in the space. */
export const contains = (space: Space, value: unknown): boolean => fault(space, value) === undefined;
