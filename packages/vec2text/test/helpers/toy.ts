// A small model with random weights, and words to speak of.
import { rng } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import {
  spaceStats,
  specialIds,
  trainedModel,
  type Vec2Text,
  type Vec2TextConfig,
  vec2text,
  wordTokenizer,
} from '../../src/index.ts';

const words = 'the a boy girl doctor lamp box stone saw found took big old red'.split(' ');

/** An untrained model whose texts differ: its weights are three times as large as fresh ones. */
export function randomModel(options: Partial<Vec2TextConfig> = {}): Vec2Text {
  const tokenizer = wordTokenizer(words);
  const sizes = { width: 16, ffn: 32, heads: 2, controlDim: 4, memorySlots: 2, maxLength: 8 };
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), ...sizes, ...options });
  const params = module.init(rng(7));
  for (const path of ['memory', 'output']) {
    const values = (params[path] as { weight: Tensor }).weight.dataSync();
    for (let i = 0; i < values.length; i++) values[i] = 4 * (values[i] as number);
  }
  const r = rng(1);
  const codes = module.space.projectCodes(Float32Array.from({ length: 40 * 4 }, () => 0.5 * r.normal()));
  return trainedModel({ module, params, tokenizer, stats: spaceStats(module.space, codes) });
}
