/** Rows one after the other in one line: what is computed is what is computed beside padding. */
import { decoder, padBatch, seq2seq } from '@gimbal/language-models';
import { flatten, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { type GkdOptions, type GkdStep, GkdTrainer, modelTeacher, type Wanted } from '../src/index.ts';
import { packedLine } from '../src/rows/packed-states.ts';
import { disposeRows } from '../src/rows/teacher-logits.ts';
import { counting, relativeError, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, right } = counting();
const student = smallModel(vocabulary, 8, 2);
const start: Params = student.init(rng(0));
const large = smallModel(vocabulary, 12);
const largeParams: Params = large.init(rng(1));
const prompts = Array.from('0123456789', (digit, i) => digit.repeat(1 + (i % 4)));
// of 1 to 5 tokens, the end included
const data = prompts.map((prompt, i) => ({ prompt, completion: right(prompt[0] as string).slice(0, i % 5) }));

test('a line, by hand: the shortest first, filled up by rows no longer than the longest', () => {
  const line = packedLine(padBatch([[3, 4], [5]], 0), padBatch([[6, 7, 1], [8]], 0));
  expect([...line.ids.subarray(0, 6)]).toEqual([5, 3, 4, 6, 7, 0]);
  // 5 of 64 places: 59 are left, by fours
  expect(line.segments).toEqual([1, 4, ...new Array(14).fill(4), 3]);
  // 4 predicts 6, 6 predicts 7, 7 the end; 5 predicts 8
  expect([...line.index]).toEqual([2, 3, 4, 0]);
  expect(() => packedLine(padBatch([[3], []], 0), padBatch([[1], [1]], 0))).toThrow('prompt 1: it has no token');
});

const options = (o: Partial<GkdOptions> = {}): GkdOptions => ({
  ...{ student, params: start, tokenizer: vocabulary, prompts: data, divergence: { kind: 'jsd', beta: 0.5 } },
  ...{ teacher: modelTeacher(large, largeParams, vocabulary), maxNewTokens: 5, batchSize: 10, learningRate: 0.1 },
  ...{ seed: 1, optimizer: { name: 'sgd' }, ...o },
});
const after = async (o: Partial<GkdOptions>): Promise<[GkdStep, number[]]> => {
  using trainer = new GkdTrainer(options(o));
  const last = (await trainer.run({ steps: 2 })) as GkdStep;
  return [last, flatten(trainer.params).flatMap(([, t]) => [...t.dataSync()])];
};

test.each<[string, Partial<GkdOptions>]>([
  ['completions of a data set', { lambda: 0, offPolicy: { source: 'dataset', data } }],
  ['the student’s own', {}],
  ['fine-tuning', { divergence: 'nll', lambda: 0, offPolicy: { source: 'dataset', data } }],
  ['likeliest tokens, and a loss beside it', { teacherTopK: 3, auxiliary: { data, weight: 0.5 } }],
  ['an adapter', { lora: { rank: 2 } }],
])('two steps in one line are those beside padding: %s', async (_, o) => {
  const [[one, a], [other, b]] = [await after(o), await after({ ...o, packing: true })];
  for (const name of ['loss', 'fkl', 'teacherLogProb', 'meanLength', 'gradNorm'] as const) {
    const [x, y] = [one[name] as number | undefined, other[name] as number | undefined];
    expect(Math.abs((y ?? 0) - (x ?? 0))).toBeLessThanOrEqual(1e-5 * Math.abs(x ?? 0));
  }
  expect(relativeError(b, a)).toBeLessThan(1e-5);
});

test.each<[Wanted]>([['full'], [{ topK: 4 }], ['sampled']])('a teacher says the same in one line: %j', async (want) => {
  const p = padBatch([[2, 3, 4], [5], [6, 7]], 0);
  const c = padBatch([[8], [9, 2, 1], [3, 1]], 0);
  const before = memory().numTensors;
  const say = async (packing: boolean): Promise<number[]> => {
    const answer = await modelTeacher(large, largeParams, vocabulary, { packing }).score(p, c, { want });
    try {
      if ('hidden' in answer) return [...answer.hidden.dataSync()];
      if ('topK' in answer) return [...answer.topK.logp, ...answer.topK.tail];
      return 'sampled' in answer ? [...answer.sampled] : [];
    } finally {
      disposeRows(answer);
    }
  };
  const [plain, packed] = [await say(false), await say(true)];
  expect(plain.length).toBeGreaterThanOrEqual(6);
  expect(relativeError(packed, plain)).toBeLessThan(1e-5);
  expect(memory().numTensors).toBe(before);
});

test('refuses what reads no such line', () => {
  const { size: vocabularySize } = vocabulary;
  const capped = decoder({
    ...{ family: 'gemma2', vocabularySize, width: 8, layers: 1, heads: 2, contextLength: 16 },
    ...{ eosIds: [1], padId: 0, finalSoftcap: 30 },
  });
  const apart = seq2seq({ vocabularySize, width: 8, layers: 1, heads: 2, contextLength: 16, eosIds: [1] });
  for (const model of [capped, apart]) {
    const params = model.init(rng(2));
    expect(() => new GkdTrainer(options({ student: model, params, packing: true }))).toThrow(
      'packing: this student does not read rows one after the other in one line',
    );
    expect(() => modelTeacher(model, params, vocabulary, { packing: true })).toThrow('modelTeacher, packing');
  }
});
