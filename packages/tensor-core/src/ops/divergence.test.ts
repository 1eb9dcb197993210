// A divergence's gradient in the memory of its logits; its values and gradients are in the op table.
import { add, clone, ones, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { availableBackends } from '../../test/helpers/backends.ts';
import { useBackend } from '../backend/use-backend.node.ts';
import { rng } from '../random/rng.ts';
import * as ops from './index.ts';

const random = rng(7);
const normal = (...shape: number[]): Tensor => random.normalTensor(shape);

const onNative = (await availableBackends('native')).length > 0 ? test : test.skip;

onNative('a gradient takes the memory of logits that nobody reads again, and of no others', async () => {
  await useBackend('native');
  const { memoryInfo } = await import('@gimbal/tensor-native');
  const [logits, target] = [normal(50, 40), normal(50, 40)];
  const upstream = ones([50]) as Tensor1D;
  const run = (z: Tensor, overwrite: boolean) => {
    const o = { kind: 'rkl', overwrite } as const;
    const found = tidy(() => ops.divergenceWithGradient(z as Tensor2D, target as Tensor2D, upstream, o));
    found.values.dispose();
    found.measures.dispose();
    return found.gradient;
  };
  const kept = run(logits, false);
  const given = logits.dataSync();
  // a second tensor on the same numbers
  const shared = clone(logits);
  const beside = run(shared, true);
  expect(logits.dataSync()).toEqual(given);
  const own = add(logits, 0);
  const { liveBytes } = memoryInfo();
  const instead = run(own, true);
  expect(memoryInfo().liveBytes).toBe(liveBytes);
  own.dispose();
  for (const gradient of [beside, instead]) expect(gradient.dataSync()).toEqual(kept.dataSync());
  for (const t of [logits, target, upstream, kept, shared, beside, instead]) t.dispose();
});
