// Makes saved/llama/ and saved/gpt2/: model folders as savePretrained writes them, for check_saved.py to open.
//
// Run with the built package:  node make-saved.mjs && python check_saved.py
//
// Every parameter is drawn anew, so that a missing bias or scale shows.
import { fileURLToPath } from 'node:url';
import { decoder, savePretrained, trainTokenizer } from '@gimbal/language-models';
import { mapTree, rng, useBackend } from '@gimbal/tensor-core';
import { add } from '@tensorflow/tfjs-core';

await useBackend('cpu');
const texts = ['the nurse hid the coat', 'the mayor bought the apple', 'ab ab abc'];
const tokenizer = trainTokenizer(texts, { vocabularySize: 272, maxLength: 40 });
const shape = {
  vocabularySize: tokenizer.size,
  contextLength: 40,
  width: 16,
  layers: 2,
  heads: 4,
  eosIds: [1],
  padId: 0,
};
const stretched = {
  type: 'llama3',
  factor: 4,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalMaxPositions: 16,
};
const untied = { kvHeads: 2, feedForward: 24, tieEmbeddings: false, ropeScaling: stretched, bosId: 1 };
const models = {
  llama: decoder({ ...shape, family: 'llama', ...untied }),
  gpt2: decoder({ ...shape, family: 'gpt2', feedForward: 40 }),
};
for (const [name, model] of Object.entries(models)) {
  const stream = rng(11).split(name);
  const initial = model.init(stream.split('init'));
  const params = mapTree(initial, (t, path) => add(t, stream.split(path).normalTensor(t.shape, 0, 0.2)));
  const folder = fileURLToPath(new URL(`saved/${name}`, import.meta.url));
  await savePretrained(folder, model, params, { tokenizer, generation: { temperature: 0, maxNewTokens: 12 } });
}
