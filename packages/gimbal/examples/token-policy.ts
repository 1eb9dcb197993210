import { TokenPolicyTrainer, tokenPresets } from '@gimbal/fma-pg';
import { CausalLmTrainer, decoder, padBatch, trainTokenizer } from '@gimbal/language-models';
import { type RewardFn, rng, type TextCodec, useBackend } from '@gimbal/tensor-core';
import { newsroom } from '@gimbal/worlds';

await useBackend('auto');
const world = newsroom({ preset: 'mini' });
const rows = world.rows(1000, rng(0).split('articles'));

// a small model that writes summaries; one you have is opened by loadPretrained: { model, params, tokenizer }
const tokenizer = trainTokenizer(rows.map(({ prompt, completion }) => `${prompt}\n${completion}`));
const eosIds = [tokenizer.special.eos as number];
const model = decoder({ vocabularySize: tokenizer.size, width: 32, layers: 2, heads: 2, contextLength: 96, eosIds });
const data = { kind: 'prompt-completion' as const, rows, where: (i: number) => `row ${i + 1}` };
const training = { learningRate: 3e-3, batchSize: 16, seed: 0 };
using sft = new CausalLmTrainer({ model, params: model.init(rng(0)), tokenizer, data, ...training });
await sft.run({ steps: 150 });

// prompts as the model was taught to read them; a reward: the share of its words (of six at least) that the article has
const codec: TextCodec = {
  encode: (texts) => {
    const ids = texts.map((text) => [...tokenizer.begin, ...tokenizer.encodeText(text + tokenizer.promptSuffix)]);
    return padBatch(ids, tokenizer.special.pad ?? 0);
  },
  decode: (tokens) => tokenizer.decode(tokens),
};
const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
let written = ''; // one completion of the latest step
const reward: RewardFn = (articles, texts) => {
  written = texts[0] as string;
  return texts.map((text, i) => {
    const [known, words] = [new Set(wordsOf(articles[i] as string)), wordsOf(text)];
    return words.filter((word) => known.has(word)).length / Math.max(6, words.length);
  });
};
using trainer = new TokenPolicyTrainer({
  // the preset's KL weight, .05, would take more from this reward, at most 1, than there is to gain
  ...tokenPresets.rloo({ klCoef: 0.005 }),
  ...{ policy: model, params: sft.params, codec, reward, prompts: rows.map(({ prompt }) => prompt) },
  ...{ maxNewTokens: 12, batchSize: 32, learningRate: 3e-3, seed: 1 },
});
// step 1 samples from the policy as it was before training
for await (const s of trainer.train({ steps: 60 }))
  if (s.step === 1 || s.step % 20 === 0)
    console.log(`${s.step}: reward ${s.reward.toFixed(2)}, KL ${s.kl.toFixed(2)}, writes: ${written}`);
// savePretrained('my-policy', model, trainer.params, { tokenizer }) keeps it
