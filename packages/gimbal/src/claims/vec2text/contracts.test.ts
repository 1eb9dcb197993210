// What E14 asks holds of any weights.
import { useBackend } from '@gimbal/tensor-core';
import { spaceKinds } from '@gimbal/vec2text';
import { contract } from './E14.ts';

beforeAll(async () => {
  await useBackend('auto');
});

test.each(spaceKinds)('E14: the contract of the space %s', (kind) => {
  const failed: string[] = [];
  let asked = 0;
  contract(kind, 0, (what, good) => {
    asked++;
    if (!good) failed.push(what);
  });
  expect(failed).toEqual([]);
  expect(asked).toBeGreaterThan(4);
});
