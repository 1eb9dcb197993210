import { evaluateDistillation, GkdTrainer, oracleTeacher } from '@gimbal/gkd';
import { decoder } from '@gimbal/language-models';
import { rng, useBackend } from '@gimbal/tensor-core';

await useBackend('auto');

// a vocabulary of ten digits and an end; a teacher that counts on from the prompt, sure of it by 90 %
const tokens = ['pad', 'end', ...'0123456789'];
const encodeText = (text: string): number[] => Array.from(text, (c) => tokens.indexOf(c));
const tokenizer = {
  ...{ size: tokens.length, special: { pad: 0, eos: 1 }, token: (id: number) => tokens[id], encodeText },
  encode: () => ({ ids: new Int32Array(0), width: 0, lengths: new Int32Array(0) }),
  decode: (b: { ids: Int32Array; width: number; lengths: Int32Array }) =>
    Array.from(b.lengths, (n, row) =>
      Array.from(b.ids.subarray(row * b.width, row * b.width + n), (id) => (id > 1 ? tokens[id] : '')).join(''),
    ),
};
const teacher = oracleTeacher((prefix, promptLength) => {
  const p = new Float64Array(tokens.length).fill(0.1 / tokens.length);
  const next = prefix.length - promptLength === 4 ? 1 : 2 + ((Math.max(2, prefix.at(-1) ?? 2) - 1) % 10);
  p[next] = (p[next] ?? 0) + 0.9;
  return p;
}, tokenizer);

const student = decoder({
  ...{ family: 'llama', vocabularySize: tokens.length, width: 16, layers: 1, heads: 2, contextLength: 16 },
  ...{ eosIds: [1], padId: 0 },
});
const start = student.init(rng(0));
const prompts = [...'0123456789'];

using trainer = new GkdTrainer({
  ...{ student, params: start, tokenizer, teacher, prompts, divergence: 'fkl', maxNewTokens: 5 },
  // at first the teacher writes, after a hundred steps the student
  ...{ lambda: (step) => Math.min(1, step / 100), mixing: 'sequence', offPolicy: { source: 'teacher' } },
  ...{ batchSize: 16, learningRate: 0.01, seed: 1 },
});
await trainer.run({ steps: 250 });

const right = (prompt: string): string => [1, 2, 3, 4].map((i) => (Number(prompt) + i) % 10).join('');
for await (const row of evaluateDistillation({
  models: {
    start: { policy: student, params: start },
    distilled: { policy: student, params: trainer.params },
  },
  ...{ tokenizer, teacher, prompts, decode: ['greedy'], seed: 0, maxNewTokens: 5 },
  metric: (prompt, completion) => Number(completion === right(prompt)),
}))
  console.log(`${row.model.padEnd(10)} exact ${row.score.estimate.toFixed(1)}`);
