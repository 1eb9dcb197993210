import { useBackend } from '@gimbal/tensor-core';
import { memory, tensor1d } from '@tensorflow/tfjs-core';
import type { CachedState } from './cached-state.ts';
import { TokenStepper } from './token-stepper.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

test('a first step that fails leaves no tensor behind, and the next one is the first', () => {
  let length = 0;
  const state = {
    batch: 2,
    get length() {
      return length;
    },
    nextPositions: () => Int32Array.of(0, 0),
    setLength: (n: number) => {
      length = n;
    },
  } as unknown as CachedState;
  let fails = true;
  const stepper = new TokenStepper(state, (ids) => {
    if (fails) throw new RangeError('no');
    return { tokens: tensor1d(ids.dataSync(), 'int32') } as never;
  });
  const before = memory().numTensors;
  const run = () =>
    stepper.run(Int32Array.of(3, 4), Float32Array.of(0, 0)) as unknown as { tokens: { dataSync(): Int32Array } };
  expect(run).toThrow('no');
  expect([memory().numTensors, length]).toEqual([before, 0]);
  fails = false;
  expect([...run().tokens.dataSync()]).toEqual([3, 4]);
  expect(length).toBe(1);
  stepper.dispose();
  expect(memory().numTensors).toBe(before);
});
