import { useBackend } from '@gimbal/tensor-core';
import {
  centredCosine,
  decodeCodes,
  encodeTexts,
  interpolate,
  specialIds,
  Vec2TextTrainer,
  vec2text,
  vec2textSchedule,
  wordTokenizer,
} from '@gimbal/vec2text';

await useBackend('auto');

// everything has two names: a round trip through another language comes back with either of them
const names = ['boy lad', 'girl lass', 'doctor physician', 'saw spotted', 'took grabbed', 'lamp lantern', 'box crate'];
const pairs = new Map(names.flatMap((pair) => pair.split(' ').map((word) => [word, pair.split(' ')])));
const all = (from: number, to: number) => names.slice(from, to).flatMap((pair) => pair.split(' '));
const texts = all(0, 3).flatMap((who) =>
  all(3, 5).flatMap((did) => all(5, 7).map((what) => `the ${who} ${did} the ${what}`)),
);

const tokenizer = wordTokenizer(texts.flatMap((text) => text.split(' ')));
const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), width: 32, ffn: 64, controlDim: 8 });
using trainer = new Vec2TextTrainer({
  module,
  tokenizer,
  data: texts,
  objective: { kind: 'rtt' },
  roundTrip: (text, rng) =>
    text
      .split(' ')
      .map((word) => rng.choice(pairs.get(word) ?? [word]))
      .join(' '),
  batchSize: 32,
  learningRate: vec2textSchedule(400, 5e-3),
  seed: 0,
});
await trainer.run({ steps: 400 });
using model = await trainer.model();

const plain = (text: string) =>
  text
    .split(' ')
    .map((word) => pairs.get(word)?.[0] ?? word)
    .join(' ');
const code = (text: string) => encodeTexts(model, [text]);
const [a, same, b] = [
  await code('the lad spotted the crate'),
  await code('the boy saw the box'),
  await code('the girl took the lamp'),
];
console.log(`the code says  ${plain((await decodeCodes(model, a))[0]?.text ?? '')}`);
const alike = (z: Float32Array) => centredCosine(model.module.space, a, z, model.stats)[0] ?? 0;
console.log(`nearer to its paraphrase than to another sentence: ${alike(same) > alike(b) + 0.5}`);
const way = await decodeCodes(model, interpolate(model.module.space, a, b, 5));
console.log(`the way ends with  ${plain(way[4]?.text ?? '')}`);
