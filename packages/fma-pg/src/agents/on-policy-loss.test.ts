import { useBackend } from '@gimbal/tensor-core';
import { tensor1d } from '@tensorflow/tfjs-core';
import { valueError } from './on-policy-loss.ts';

test('the clipped value error is the larger of the two, by hand', async () => {
  await useBackend('cpu');
  const of = (value: number, old: number, target: number, clip?: number): number =>
    valueError(
      tensor1d([value]),
      { values: tensor1d([old]), returns: tensor1d([target]) },
      clip,
    ).dataSync()[0] as number;
  expect(of(3, 1, 0)).toBe(4.5);
  // V = 3 is held at 1.5. Away from the target: 9 and 2.25; towards it: 0 and 2.25
  expect(of(3, 1, 0, 0.5)).toBe(4.5);
  expect(of(3, 1, 3, 0.5)).toBe(1.125);
  // inside of the band nothing is held
  expect(of(1.25, 1, 0, 0.5)).toBe(0.78125);
});
