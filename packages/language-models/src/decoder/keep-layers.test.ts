/** A decoder of some blocks is the decoder whose other blocks do nothing. */
import { disposeTree, mapTree, rng, useBackend } from '@gimbal/tensor-core';
import { clone, memory, tensor2d, zerosLike } from '@tensorflow/tfjs-core';
import { decoder, keepLayers } from '../index.ts';

await useBackend('auto');

const ids = tensor2d([[1, 5, 2, 7, 3]], [1, 5], 'int32');
/** what a branch adds to the stream */
const outputs = /c_proj|o_proj|down_proj/;

test.each(['gpt2', 'llama', 'gemma3_text'] as const)('%s: as if the blocks left out added nothing', (family) => {
  const sliding = family === 'gemma3_text' ? { window: 2, slidingLayers: [true, false, true, false] } : {};
  const size = { vocabularySize: 11, width: 8, layers: 4, heads: 2, contextLength: 8, initializerRange: 0.3 };
  const model = decoder({ family, ...size, ...sliding });
  const params = model.init(rng(1));
  const silent = mapTree(params, (leaf, path) =>
    /\.[02]\./.test(path) && outputs.test(path) ? zerosLike(leaf) : clone(leaf),
  );
  const before = memory().numTensors;
  const kept = keepLayers(model, params, [1, 3]);
  expect(kept.model.config.layers).toBe(2);
  const wanted = model.apply(silent, ids);
  const got = kept.model.apply(kept.params, ids);
  const values = got.dataSync<'float32'>();
  for (const [i, x] of wanted.dataSync<'float32'>().entries()) expect(values[i]).toBeCloseTo(x, 4);
  for (const t of [wanted, got]) t.dispose();
  disposeTree(kept.params);
  expect(memory().numTensors).toBe(before);
  // the whole is still there
  model.apply(params, ids).dispose();
});

test('refuses blocks that there are none of', () => {
  const model = decoder({ vocabularySize: 11, width: 8, layers: 2, heads: 2 });
  const params = model.init(rng(0));
  for (const layers of [[], [2], [-1], [0.5]])
    expect(() => keepLayers(model, params, layers)).toThrow(
      /keepLayers: no such blocks.*wanted at least one of 0 to 1/,
    );
});
