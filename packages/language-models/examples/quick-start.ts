import { CausalLmTrainer, dataset, decoder, generate, savePretrained, trainTokenizer } from '@gimbal/language-models';
import { rng, schedules, useBackend } from '@gimbal/tensor-core';

await useBackend('auto'); // the fastest that works here

// rows of your own, or readRows('my.jsonl', { columns: { prompt: 'question', completion: 'answer' } })
const rows = Array.from({ length: 30 }, (_, i) => ({
  prompt: `${i % 6} + ${i % 5} =`,
  completion: `${(i % 6) + (i % 5)}`,
}));
const data = dataset(rows);

const tokenizer = trainTokenizer(rows.map(({ prompt, completion }) => `${prompt}\n${completion}`));
const { eos } = tokenizer.special;
const model = decoder({
  vocabularySize: tokenizer.size,
  width: 64,
  layers: 2,
  contextLength: 32,
  eosIds: [eos as number],
});

const learningRate = schedules.cosine({ peak: 3e-3, steps: 300 });
const options = { model, params: model.init(rng(0)), tokenizer, data, learningRate, batchSize: 16, seed: 0 };
using trainer = new CausalLmTrainer(options);
for await (const { step, loss, tokensPerSecond } of trainer.train({ steps: 300 })) {
  if (step % 50 === 0) console.log(`step ${step}: loss ${loss.toFixed(3)}, ${Math.round(tokensPerSecond)} tokens/s`);
}

const asked = ['2 + 2 =', '3 + 4 =', '5 + 3 ='];
const answers = await generate(model, trainer.params, tokenizer, asked, {
  temperature: 0,
  maxNewTokens: 4,
  rng: rng(0),
});
console.log(asked.map((prompt, i) => `${prompt} ${answers[i]?.text}`).join(', '));

await savePretrained('sums', model, trainer.params, { tokenizer }); // a folder that transformers opens
