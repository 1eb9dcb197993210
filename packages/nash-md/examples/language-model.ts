// A language model of the newsroom with three styles of writing, whose readers prefer the first to the second, the second to
// the third and the third to the first. No reward says that; Nash-MD looks for the policy that no other beats.
import { CausalLmTrainer, decoder, padBatch, trainTokenizer } from '@gimbal/language-models';
import { type Contestant, elo, NashMdTrainer, playMatrix } from '@gimbal/nash-md';
import { rng, useBackend } from '@gimbal/tensor-core';
import { newsroom } from '@gimbal/worlds';

await useBackend();
const world = newsroom({ preset: 'mini' });
const preference = world.preference();
const rows = world.rows(1000, rng(0).split('articles'));
const tokenizer = trainTokenizer(rows.map(({ prompt, completion }) => `${prompt}\n${completion}`));
const codec = {
  encode: (texts: readonly string[]) =>
    padBatch(
      texts.map((text) => [...tokenizer.begin, ...tokenizer.encodeText(text + tokenizer.promptSuffix)]),
      tokenizer.special.pad ?? 0,
    ),
  decode: (tokens: Parameters<typeof tokenizer.decode>[0]) => tokenizer.decode(tokens),
};

const model = decoder({
  ...{ vocabularySize: tokenizer.size, width: 32, layers: 2, heads: 2, contextLength: 96 },
  eosIds: [tokenizer.special.eos as number],
});
const data = { kind: 'prompt-completion' as const, rows, where: (i: number) => `row ${i + 1}` };
using sft = new CausalLmTrainer({
  ...{ model, params: model.init(rng(0)), tokenizer, data, learningRate: 3e-3, batchSize: 16, seed: 0 },
});
const tuned = await sft.run({ steps: 150 });
console.log(`fine-tuned: loss ${tuned?.loss.toFixed(2)}`);

const common = { codec, preference, maxNewTokens: 12, seed: 0 };
const start = { policy: model, params: sft.params };
const prompts = rows.slice(0, 500).map(({ prompt }) => prompt);
const train = async (mixtureCoef: number): Promise<Contestant> => {
  const trainer = new NashMdTrainer({
    ...{ ...common, ...start, prompts, klCoef: 0.05, batchSize: 16, learningRate: 1e-3 },
    opponent: { kind: 'mixture', mixtureCoef },
  });
  const last = await trainer.run({ steps: 40 });
  console.log(`β ${mixtureCoef}: wins ${last?.winRate.toFixed(2)} against its opponent, KL ${last?.kl.toFixed(2)}`);
  return trainer.deployable();
};
const contestants = {
  sft: start,
  'nash-md': await train(0.125),
  response: await train(1),
};
const held = rows.slice(500, 564).map(({ prompt }) => prompt);
const w = await playMatrix(contestants, { ...common, prompts: held, samplesPerCell: 200 });
for (const [i, name] of w.labels.entries())
  console.log(
    name.padEnd(9),
    Array.from(w.p.slice(3 * i, 3 * i + 3), (p) => p.toFixed(2)).join(' '),
    elo(w)[i]?.toFixed(0),
  );
