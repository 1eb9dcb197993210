/** Rows that distillation does not read, and options that are refused after the first tensor: nothing is left of either. */
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { evaluateDistillation, type GkdOptions, GkdTrainer } from '../src/index.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher } = counting();
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const base: GkdOptions = {
  ...{ student, params, tokenizer: vocabulary, teacher, prompts: ['1', '2'], divergence: 'fkl', maxNewTokens: 4 },
  ...{ batchSize: 2, learningRate: 0.01, seed: 0 },
};
const made = (o: object): GkdTrainer => new GkdTrainer({ ...base, ...o } as GkdOptions);

const { teacher: _, ...alone } = base;
const self = { ...alone, selfTeacher: { decay: 0.9 } };
test.each<[string, object, string]>([
  ['an adapter', { ...base, lora: { rank: 2 }, learningRate: Number.NaN }, 'learningRate'],
  ['an average of the student', { ...self, learningRate: Number.NaN }, 'learningRate'],
  ['an average, of which nothing is held out', { ...self, evalEvery: 2 }, 'evalEvery'],
  ['both', { ...self, lora: { rank: 2 }, maxGradNorm: -1 }, 'maxGradNorm'],
])('%s is gone when a later option is refused', (_name, o, message) => {
  const before = memory().numTensors;
  expect(() => new GkdTrainer(o as GkdOptions)).toThrow(message);
  expect(memory().numTensors).toBe(before);
});

const prompts = (bad: unknown): object => ({ prompts: ['1', bad] });
test.each<[string, object, string]>([
  ['a number', prompts(42), 'prompts, row 1: the prompt is no text; got 42, wanted a text, or a row'],
  ['null', prompts(null), 'prompts, row 1: the prompt is no text; got null'],
  ['a row without a prompt', prompts({ question: '1' }), 'prompts, row 1: the prompt is no text; got {"question":"1"}'],
  ['a row whose prompt is null', prompts({ prompt: null }), 'prompts, row 1: the prompt is no text; got null'],
  ['turns', prompts({ prompt: [{ role: 'user', content: '1' }] }), 'row 1: the prompt is a conversation, not a text'],
  ['messages', prompts({ messages: [] }), 'chat template first'],
  ['held out', { heldOut: [5] }, 'heldOut, row 0: the prompt is no text; got 5'],
  [
    'a row of data',
    { lambda: 0, offPolicy: { source: 'dataset', data: [{ prompt: 3, completion: '4' }] } },
    'offPolicy.data, row 0: the prompt is no text; got 3',
  ],
])('%s is no prompt', (_name, o, message) => {
  expect(() => made(o)).toThrow(
    expect.objectContaining({ code: 'ERR_DATA', message: expect.stringContaining(message) }),
  );
});

test('a teacherPrompt that gives no text is told of with its prompt', async () => {
  using trainer = made({ prompts: ['1'], batchSize: 1, teacherPrompt: () => undefined });
  await expect(trainer.run({ steps: 1 })).rejects.toThrow('teacherPrompt: it gives no text for the prompt "1"');
});

test('an evaluation reads texts alone', async () => {
  const o = { models: { a: { policy: student, params } }, tokenizer: vocabulary, teacher, decode: ['greedy' as const] };
  const rows = evaluateDistillation({ ...o, prompts: ['1', { prompt: '2' } as never], metric: () => 1, seed: 0 });
  await expect(rows.next()).rejects.toThrow('evaluateDistillation, prompts, row 1: it is no text; got {"prompt":"2"}');
});
