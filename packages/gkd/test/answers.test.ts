/** Answers of teachers that are not what was asked for: named and refused, their tensors freed. */
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { fill, keep, memory, type Tensor2D } from '@tensorflow/tfjs-core';
import { type GkdOptions, GkdTrainer, type Teacher, type TeacherRows } from '../src/index.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher } = counting();
const V = vocabulary.size;
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const base: GkdOptions = {
  ...{ student, params, tokenizer: vocabulary, teacher, prompts: ['1', '2'], divergence: 'fkl', maxNewTokens: 4 },
  ...{ batchSize: 2, learningRate: 0.01, seed: 0 },
};
type Answer = (rows: number) => unknown;
const saying = (answer: Answer): Teacher => ({
  ...teacher,
  score: async (_, c) => answer(c.lengths.reduce((a, b) => a + b, 0)) as TeacherRows,
});
const run = async (answer: Answer, o: Partial<GkdOptions> = {}): Promise<unknown> => {
  using trainer = new GkdTrainer({ ...base, ...o, teacher: saying(answer) });
  return await trainer.run({ steps: 1 });
};
const full: Answer = (rows) => ({ full: keep(fill([rows, V], 0)) });
const sampled =
  (value: number): Answer =>
  (rows) => ({ sampled: new Float32Array(rows).fill(value) });
/** Two tokens a row of a quarter each, and the rest. */
const two =
  (ids: readonly number[]): Answer =>
  (rows) => ({
    topK: {
      ids: Int32Array.from({ length: 2 * rows }, (_, i) => ids[i % 2] as number),
      logp: new Float32Array(2 * rows).fill(Math.log(0.25)),
      tail: new Float32Array(rows).fill(0.5),
    },
  });
const jsd = { divergence: { kind: 'jsd', beta: 0.5 } } as const;
const own = { divergence: 'sampled-rkl' } as const;
const top = { teacherTopK: 2 };
const another = 'teacher: it answers in another kind than asked; got';

test.each<[string, Answer, Partial<GkdOptions>, string]>([
  ['sampled for a jsd', sampled(-1), jsd, `${another} "sampled", wanted full, or hidden`],
  ['likeliest tokens for whole distributions', two([2, 3]), {}, `${another} "topK", wanted full, or hidden`],
  ['whole distributions for likeliest tokens', full, top, `${another} "full", wanted topK`],
  ['whole distributions for sampled', full, own, `${another} "full", wanted sampled`],
  ['undefined', () => undefined, {}, `${another} "undefined"`],
  ['null', () => null, {}, `${another} "null"`],
  ['nothing in it', () => ({}), {}, `${another} "an object with nothing"`],
  ['logits of rank 3', (rows) => ({ full: keep(fill([rows, 1, V], 0)) }), {}, 'full is no matrix; got [8,1,12]'],
  [
    'a head of another width',
    (rows) => ({ hidden: keep(fill([rows, 4], 1)), head: keep(fill([V, 5], 1)) }),
    {},
    'head',
  ],
  [
    'an id beyond V',
    two([3, 12]),
    top,
    'one of its likeliest is no token at token 0 of the batch; got 12, wanted 0 to 11',
  ],
  ['an id below 0', two([3, -1]), top, 'got -1'],
  ['an id twice', two([3, 3]), top, 'stands there twice at token 0 of the batch; got 3, wanted each once a row'],
  ['other tokens than asked for', two([3, 4]), { ...top, topKOf: 'student' }, 'another token than it was asked of'],
  ['a probability above 1', sampled(1), own, 'that of a probability above 1; got 1, wanted at most 0'],
  ['NaN of sampled tokens', sampled(Number.NaN), own, 'it gives no distribution (NaN) at token 0'],
])('%s is refused', async (_, answer, o, message) => {
  const before = memory().numTensors;
  await expect(run(answer, o)).rejects.toThrow(message);
  expect(memory().numTensors).toBe(before);
});

test('a tensor that is disposed is told of', async () => {
  const gone = (rows: number): TeacherRows => {
    const x = fill([rows, V], 0) as Tensor2D;
    x.dispose();
    return { full: x };
  };
  await expect(run(gone)).rejects.toThrow('full is no matrix; got "a disposed tensor"');
});
