// What critics are trained on, by hand.
import { rng, useBackend } from '@gimbal/tensor-core';
import { tensor1d } from '@tensorflow/tfjs-core';
import { TwinCritics, twinError } from './critics.ts';

beforeAll(() => useBackend('auto'));

test('errors are weighed by row', () => {
  const of = (...x: number[]) => tensor1d(x);
  // ½(.5·1² + 2·2²) + ½(.5·3² + 2·0²) = 4.25 + 2.25
  const loss = twinError([of(1, 3), of(3, 5)], of(0, 5), of(0.5, 2));
  expect(loss.dataSync()[0]).toBeCloseTo(6.5, 6);
});

test('the target is the smaller value, row by row', () => {
  const critics = new TwinCritics(2, [8], rng(4));
  const [obs, actions] = [rng(1).normalTensor([20, 1]), rng(2).normalTensor([20, 1])];
  const [first, second] = critics.both(critics.targets, obs, actions).map((q) => [...q.dataSync()]);
  const smaller = first?.map((q, i) => Math.min(q, second?.[i] as number));
  expect([...critics.target(obs, actions).dataSync()]).toEqual(smaller);
  expect(smaller).not.toEqual(first);
  expect(smaller).not.toEqual(second);
  critics.dispose();
});
