/** Values of any space as one vector, and back: products are concatenated, Discrete becomes one-hot, as in Gymnasium. */
import type { BoxSpace, Space } from '@gimbal/tensor-core';
import { box, childrenOf, elementsOf } from './spaces.ts';
import type { Value } from './value.ts';

/** Length of the flattened vector. */
export function flatSize(space: Space): number {
  if (space.kind === 'dict' || space.kind === 'tuple') {
    return childrenOf(space).reduce((n, [, child]) => n + flatSize(child), 0);
  }
  if (space.kind === 'discrete') return space.n;
  if (space.kind === 'multi-discrete') return space.nvec.reduce((a, b) => a + b, 0);
  return elementsOf(space);
}

/** The Box that flattened values lie in. */
export function flattenSpace(space: Space): BoxSpace {
  const size = flatSize(space);
  const [low, high] = [new Float64Array(size), new Float64Array(size).fill(1)];
  fillBounds(space, low, high, 0);
  return box(low, high, [size]);
}

function fillBounds(space: Space, low: Float64Array, high: Float64Array, offset: number): number {
  if (space.kind === 'dict' || space.kind === 'tuple') {
    let at = offset;
    for (const [, child] of childrenOf(space)) at = fillBounds(child, low, high, at);
    return at;
  }
  if (space.kind === 'box') {
    low.set(space.low, offset);
    high.set(space.high, offset);
  }
  return offset + flatSize(space);
}

/**
 * Writes a value as one vector.
 * @param out `[flatSize]`; default: a new Float32Array
 */
export function flatten(space: Space, value: Value, out = new Float32Array(flatSize(space)), offset = 0): Float32Array {
  if (space.kind === 'dict' || space.kind === 'tuple') {
    const parts = value as { [key: string]: Value };
    let at = offset;
    for (const [key, child] of childrenOf(space)) {
      flatten(child, parts[key] as Value, out, at);
      at += flatSize(child);
    }
  } else if (space.kind === 'discrete') {
    const n = typeof value === 'number' ? value : ((value as Float32Array)[0] as number);
    out.fill(0, offset, offset + space.n);
    out[offset + n - (space.start ?? 0)] = 1;
  } else if (space.kind === 'multi-discrete') {
    let at = offset;
    out.fill(0, offset, offset + flatSize(space));
    for (const [i, n] of space.nvec.entries()) {
      out[at + ((value as Float32Array)[i] as number)] = 1;
      at += n;
    }
  } else out.set(value as Float32Array, offset);
  return out;
}

/** The value that `flatten` wrote. */
export function unflatten(space: Space, vector: Float32Array, offset = 0): Value {
  if (space.kind === 'dict' || space.kind === 'tuple') {
    let at = offset;
    return Object.fromEntries(
      childrenOf(space).map(([key, child]) => {
        const part = unflatten(child, vector, at);
        at += flatSize(child);
        return [key, part];
      }),
    );
  }
  const hot = (n: number, from: number): number => vector.subarray(from, from + n).indexOf(1);
  if (space.kind === 'discrete') return (space.start ?? 0) + hot(space.n, offset);
  if (space.kind === 'multi-discrete') {
    let at = offset;
    return Float32Array.from(space.nvec, (n) => {
      const found = hot(n, at);
      at += n;
      return found;
    });
  }
  const part = vector.subarray(offset, offset + elementsOf(space));
  if (space.kind === 'multi-binary' || space.dtype === 'uint8') return Uint8Array.from(part);
  return space.dtype === 'float64' ? Float64Array.from(part) : part.slice();
}
