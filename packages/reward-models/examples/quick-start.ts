import { dataset, decoderConfig, trainTokenizer } from '@gimbal/language-models';
import { accuracyBySlice, RewardTrainer, rewardFn, rewardModel } from '@gimbal/reward-models';
import { rng, useBackend } from '@gimbal/tensor-core';

await useBackend('auto');

// of two answers the one that says what it was asked to say is better
const colours = ['red', 'blue', 'green', 'black'];
const rows = colours.flatMap((x) =>
  colours.filter((y) => y !== x).map((y) => ({ prompt: `say ${x}`, chosen: ` it is ${x}`, rejected: ` it is ${y}` })),
);
const tokenizer = trainTokenizer(
  rows.map((row) => row.prompt + row.chosen),
  { vocabularySize: 280, maxLength: 16 },
);
const shape = { vocabularySize: tokenizer.size, contextLength: 16, width: 32, layers: 2, initializerRange: 0.15 };
const model = rewardModel(decoderConfig({ ...shape, eosIds: [tokenizer.special.eos ?? 1] }));

using trainer = new RewardTrainer({
  model,
  params: model.init(rng(0)),
  tokenizer,
  data: dataset(rows),
  learningRate: 5e-3,
  seed: 0,
});
for await (const { step, loss, accuracy } of trainer.train({ steps: 60 }))
  if (step % 20 === 0) console.log(`step ${step}  loss ${loss.toFixed(3)}  accuracy ${accuracy?.toFixed(2)}`);

// a function of texts: what trainers, rerankers and evaluations take
const reward = rewardFn(model, trainer.params, tokenizer);
const scores = await reward(['say red', 'say red'], [' it is red', ' it is blue']);
console.log(`red is better than blue: ${(scores[0] ?? 0) > (scores[1] ?? 0)}`);
const { all } = await accuracyBySlice(reward, rows, (row) => row.prompt);
console.log(
  `accuracy ${all?.value}, 95 % from ${all?.ci95[0].toFixed(2)} to ${all?.ci95[1].toFixed(2)}, ${all?.n} pairs`,
);
