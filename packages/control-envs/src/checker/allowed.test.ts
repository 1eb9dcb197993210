// Random actions of bits: a mask has two flags of each, for 0 and for 1.
import { type Env, rng, type Space } from '@gimbal/tensor-core';
import { drawAllowed } from './allowed.ts';

const bits: Space = { kind: 'multi-binary', shape: [2] };

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
