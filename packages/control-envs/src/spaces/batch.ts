/** The space of `count` values of a space at once, as a vector environment has it. */
import type { Space } from '@gimbal/tensor-core';
import { box, childrenOf, dict, elementsOf, multiDiscrete, tuple } from './spaces.ts';

/**
 * Boxes get a leading dimension, Discrete becomes MultiDiscrete; MultiDiscrete and MultiBinary stay vectors, repeated.
 * @example batchSpace(box(-1, 1, [6]), 4) // box of shape [4, 6]
 */
export function batchSpace(space: Space, count: number): Space {
  const repeat = <T>(xs: ArrayLike<T>): T[] => Array.from({ length: count }, () => Array.from(xs)).flat();
  switch (space.kind) {
    case 'dict':
      return dict(Object.fromEntries(childrenOf(space).map(([key, child]) => [key, batchSpace(child, count)])));
    case 'tuple':
      return tuple(space.spaces.map((child) => batchSpace(child, count)));
    case 'box':
      return box(repeat(space.low), repeat(space.high), [count, ...space.shape], space.dtype);
    case 'discrete':
      if ((space.start ?? 0) === 0) return multiDiscrete(repeat([space.n]));
      return tuple(repeat([space]));
    case 'multi-discrete':
      return multiDiscrete(repeat(space.nvec));
    case 'multi-binary':
      return { kind: 'multi-binary', shape: [count, elementsOf(space)] };
  }
}
