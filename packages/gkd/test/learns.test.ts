/** Distillation works: on a task of seconds the student comes to write what the teacher would, by every route. */
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { type GkdOptions, GkdTrainer } from '../src/index.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher, right } = counting(0.9);
const student = smallModel(vocabulary);
const prompts = Array.from('0123456789');
const data = prompts.map((prompt) => ({ prompt, completion: right(prompt) }));

// a student that can already write a little: mode-seeking losses need one
let start: Params = student.init(rng(0));
const warm = new GkdTrainer({
  ...options({ divergence: 'nll', lambda: 0, offPolicy: { source: 'dataset', data: data.slice(0, 6) } }),
});
await warm.run({ steps: 40 });
start = warm.params;

function options(o: Partial<GkdOptions> = {}): GkdOptions {
  return {
    ...{ student, params: start, tokenizer: vocabulary, teacher, prompts, divergence: 'fkl', maxNewTokens: 5 },
    ...{ batchSize: 16, learningRate: 0.01, seed: 1, ...o },
  };
}

async function exact(trainer: GkdTrainer): Promise<number> {
  const batch = vocabulary.encode(prompts);
  const out = await student.sample(trainer.params, batch, { temperature: 0, maxNewTokens: 5, rng: rng(0) });
  const texts = vocabulary.decode(out);
  return texts.filter((text, i) => text === right(prompts[i] as string)).length / prompts.length;
}

test.each<[string, Partial<GkdOptions>]>([
  ['on its own completions', {}],
  ['with JSD(.5)', { divergence: { kind: 'jsd', beta: 0.5 } }],
  ['on the data', { lambda: 0, offPolicy: { source: 'dataset', data } }],
  ['on both, a coin for each', { lambda: 0.5, mixing: 'sequence', offPolicy: { source: 'teacher' } }],
  ['from the teacher’s three likeliest tokens', { teacherTopK: 3 }],
  ['by fine-tuning', { lambda: 0, divergence: 'nll', offPolicy: { source: 'dataset', data } }],
])('%s', async (_, o) => {
  using trainer = new GkdTrainer(options(o));
  await trainer.run({ steps: 150 });
  expect(await exact(trainer)).toBeGreaterThanOrEqual(0.9);
});
