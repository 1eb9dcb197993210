// Whoever makes `native` current by tfjs's own call gets what it offers too. No test here may call useBackend.
import { isNativeAvailable, nativeUnavailableReason } from '@gimbal/tensor-native';
import { add, memory, setBackend, tensor1d } from '@tensorflow/tfjs-core';
import { captureStep, replaysSteps } from '../capture/capture-step.ts';
import { withPrecision } from '../precision/with-precision.ts';
import { backendExtensions } from './extensions.ts';

const onNative = isNativeAvailable() ? test : test.skip;
if (onNative === test.skip) console.warn(`skipped: ${nativeUnavailableReason()}`);

test('cpu replays no steps', async () => {
  await setBackend('cpu');
  expect(replaysSteps()).toBe(false);
});

onNative('native, made current by setBackend, replays steps', async () => {
  await setBackend('native');
  expect(replaysSteps()).toBe(true);
  const before = memory().numTensors;
  const step = captureStep(({ x }: { x: Parameters<typeof add>[0] }) => ({ y: add(x, 1) }));
  const x = tensor1d([1, 2]);
  const read = (values: Float32Array | typeof x): number[] => Array.from(step.run({ x: values }).y.dataSync());
  expect(read(x)).toEqual([2, 3]);
  for (const first of [3, 5, 7]) expect(read(Float32Array.of(first, 4))).toEqual([first + 1, 5]);
  expect(step.captured).toBe(true);
  step.dispose();
  x.dispose();
  expect(memory().numTensors).toBe(before);
  const { bf16 } = backendExtensions() as NonNullable<ReturnType<typeof backendExtensions>>;
  const inBf16 = () => withPrecision('bf16', () => backendExtensions()?.precision);
  if (bf16) expect(inBf16()).toBe('bf16');
  else expect(inBf16).toThrow("the backend 'native' has no bf16 products here");
});
