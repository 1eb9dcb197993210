// Makes saved/: a reward model's folder as saveReward writes it, for check_reward.py to open.
//
// Run with the built package:  node make-reward.mjs && python check_reward.py
//
// Every parameter is drawn anew, so that a missing scale shows.
import { fileURLToPath } from 'node:url';
import { decoderConfig, trainTokenizer } from '@gimbal/language-models';
import { rewardModel, saveReward } from '@gimbal/reward-models';
import { mapTree, rng, useBackend } from '@gimbal/tensor-core';
import { add } from '@tensorflow/tfjs-core';

await useBackend('cpu');
const tokenizer = trainTokenizer(['the nurse hid the coat', 'the mayor bought the apple'], {
  vocabularySize: 264,
  maxLength: 40,
});
const shape = { vocabularySize: tokenizer.size, contextLength: 40, width: 16, layers: 1, heads: 4, kvHeads: 2 };
const model = rewardModel(decoderConfig({ ...shape, family: 'llama', feedForward: 24, eosIds: [1], padId: 0 }));
const stream = rng(12);
const initial = model.init(stream.split('init'));
const params = mapTree(initial, (t, path) => add(t, stream.split(path).normalTensor(t.shape, 0, 0.2)));
const folder = fileURLToPath(new URL('saved', import.meta.url));
await saveReward(folder, model, params, { tokenizer, temperature: 1.25 });
