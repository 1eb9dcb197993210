import { useBackend } from '@gimbal/tensor-core';
import { measureSpeed } from './internal/model-sizes.ts';
import { measuredLength } from './plan.ts';

test('speed is measured at the length of the longest rows, not at a given model\u2019s context', () => {
  expect(measuredLength([5, 12, 30], 8192)).toBe(30);
  expect(measuredLength([5, 900, 3000], 8192)).toBe(512);
  expect(measuredLength([5, 900], 64)).toBe(64);
});

test('measuring stops when it is told to, and leaves no tensors', async () => {
  await useBackend('cpu');
  const { memory } = await import('@tensorflow/tfjs-core');
  const before = memory().numTensors;
  const sizes = { family: 'llama', width: 8, layers: 1, heads: 2, contextLength: 2048, vocabularySize: 20 } as const;
  const o = { context: 8, rows: 2, precision: 'float32', seed: 0, signal: AbortSignal.abort() } as const;
  await expect(measureSpeed(sizes, o)).rejects.toMatchObject({ code: 'ERR_STOPPED' });
  expect(memory().numTensors).toBe(before);
});
