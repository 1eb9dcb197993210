// Masks of bits: two flags of each, for 0 and for 1, as agents read them.
import { type Env, rng, type Space } from '@gimbal/tensor-core';
import { drawAllowed, maskFault } from './allowed.ts';

const bits: Space = { kind: 'multi-binary', shape: [2] };

test('a mask of bits has two flags of each', () => {
  expect(maskFault(bits, [1, 0, 1, 1], false)).toBeUndefined();
  expect(maskFault(bits, [1, 1], false)).toBe('its length is 2, not 4');
  expect(maskFault(bits, [1, 1, 0, 0], false)).toBe('it allows nothing of component 1');
  expect(maskFault(bits, [1, 1, 0, 0], true)).toBeUndefined();
});

test('only bits that it allows are drawn', () => {
  const env = { actionSpace: bits } as Env;
  const stream = rng(1).split('bits');
  const draw = (actionMask?: number[]) =>
    Array.from({ length: 20 }, () => drawAllowed(env, { actionMask }, stream) as ArrayLike<number>);
  for (const action of draw([1, 0, 0, 1])) expect(Array.from(action)).toEqual([0, 1]);
  const free = new Set(draw([1, 0, 1, 1]).map((action) => Array.from(action).join()));
  expect([...free].sort()).toEqual(['0,0', '0,1']);
  expect(draw().every((action) => action.length === 2)).toBe(true);
});
