/** Options that are missing, null, misspelt or without effect: refused by name before anything is computed. */
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { fill, ones, type Tensor2D, type Tensor3D, tensor2d } from '@tensorflow/tfjs-core';
import {
  type ChunkedLossInput,
  chunkedDistillLoss,
  distillLoss,
  type EvaluateDistillationOptions,
  evaluateDistillation,
  type GkdOptions,
  GkdTrainer,
  modelTeacher,
  oracleTeacher,
  tokenDivergence,
} from '../src/index.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher } = counting();
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const data = [{ prompt: '1', completion: '2345' }];
const base: GkdOptions = {
  ...{ student, params, tokenizer: vocabulary, teacher, prompts: ['1', '2'], divergence: 'fkl', maxNewTokens: 4 },
  ...{ batchSize: 2, learningRate: 0.01, seed: 0 },
};
const made = (o: object): void => new GkdTrainer({ ...base, ...o } as GkdOptions).dispose();
const refused = (call: () => unknown, message: string, code = 'ERR_CONFIG'): void =>
  expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));

const reward = { fn: () => [], alpha: 0.5, samplesPerPrompt: 2 };
const dataset = { lambda: 0, offPolicy: { source: 'dataset', data } };

test.each<[string, object, string]>([
  ['lora.rnk', { lora: { rnk: 2 } }, 'lora: unknown option rnk; wanted one of rank'],
  ['offPolicy.dta', { lambda: 0, offPolicy: { source: 'dataset', dta: data } }, 'Did you mean data?'],
  ['a temperature of a data set', { ...dataset, offPolicy: { source: 'dataset', temperature: 1 } }, 'temperature'],
  ['reward.alfa', { reward: { ...reward, alfa: 1 } }, 'Did you mean alpha?'],
  ['auxiliary.wieght', { auxiliary: { data, weight: 1, wieght: 2 } }, 'Did you mean weight?'],
  ['divergence.sacle', { divergence: { kind: 'jsd', beta: 0.5, sacle: 'paper' } }, 'Did you mean scale?'],
  ['lambda null', { lambda: null }, 'lambda: null is no value'],
  ['lambda of text', { lambda: '0.5' }, 'lambda: it is of another kind; got "string"'],
  ['β null', { divergence: { kind: 'jsd', beta: null } }, 'divergence.beta: out of range; got null'],
  ['no prompts', { prompts: undefined }, 'prompts: it is missing'],
  ['prompts of one text', { prompts: '123' }, 'prompts: it is of another kind; got "string", wanted an array of texts'],
  ['no tokenizer', { tokenizer: undefined }, 'tokenizer: it is missing'],
  ['a tokenizer of nothing', { tokenizer: {} }, 'tokenizer: it is of another kind; got "object"'],
  ['no student', { student: undefined }, 'student: it is missing'],
  ['a student of nothing', { student: {} }, 'student: it is of another kind'],
  ['no params', { params: undefined }, 'params: it is missing'],
  ['a teacher of text', { teacher: 'runs/x' }, 'teacher: it is of another kind; got "string", wanted a Teacher'],
  ['a teacher without score', { teacher: { score: 3 } }, 'teacher.score: it is of another kind; got "number"'],
  ['offPolicy null', { offPolicy: null }, 'offPolicy: null is no value'],
  ['reward null', { reward: null }, 'reward: null is no value'],
  ['one ignored token', { ignoreTokens: 3 }, 'ignoreTokens: it is of another kind; got "number", wanted an array'],
  ['no auxiliary data', { auxiliary: { weight: 1 } }, 'auxiliary.data: it is missing'],
  ['a temperature of sampled tokens', { divergence: 'sampled-rkl', teacherTemperature: 5 }, 'teacherTemperature'],
  ['likeliest tokens of sampled ones', { divergence: 'sampled-rkl', teacherTopK: 2 }, 'teacherTopK: sampled-rkl'],
  ['a temperature of nll', { ...dataset, divergence: 'nll', studentTemperature: 5 }, 'nll compares no distributions'],
  ['likeliest tokens of nll', { ...dataset, divergence: 'nll', teacherTopK: 2 }, 'teacherTopK: nll'],
  ['γ at another temperature', { futureDiscount: 1, temperature: 2 }, 'temperature: futureDiscount is the gradient'],
])('refuses %s', (_, o, message) => refused(() => made(o), message));

test('an option that is undefined is one that is not given', () => {
  made({ lambda: undefined, mixing: undefined, seed: 0, reward: undefined });
});

test('rows whose teacher is nobody are told of at construction, with their number', () => {
  const prompts = ['1', { prompt: '2', teacher: 'c' }];
  refused(
    () => made({ teacher: { a: teacher, b: teacher }, prompts }),
    'prompts, row 1: a row names a teacher that is not there; got "c", wanted a, b',
    'ERR_DATA',
  );
});

const wide = smallModel({ ...vocabulary, size: vocabulary.size + 5 }, 8);
const wideParams = wide.init(rng(1));
const padded = modelTeacher(wide, wideParams, vocabulary);

test.each<Partial<GkdOptions>>([{ teacherTopK: 3 }, { divergence: 'sampled-rkl' }])(
  'log-probabilities over columns that are no token are refused with %j, and right with columns',
  async (o) => {
    const aligned = { ...o, alignVocab: true };
    refused(() => made({ ...aligned, teacher: padded }), 'over 17 columns, of which 5 are no token');
    const columns = modelTeacher(wide, wideParams, vocabulary, { columns: vocabulary.size });
    using trainer = new GkdTrainer({ ...base, ...aligned, teacher: columns });
    expect(Number.isFinite((await trainer.run({ steps: 1 }))?.loss)).toBe(true);
  },
);

test('a teacher of fewer columns says what the narrowed whole distributions say', async () => {
  const [prompts, completions] = [vocabulary.encode(['1', '2']), vocabulary.encode(['45', '678'])];
  const narrow = modelTeacher(wide, wideParams, vocabulary, { columns: vocabulary.size });
  const { sampled } = (await narrow.score(prompts, completions, { want: 'sampled' })) as { sampled: Float32Array };
  const { topK } = (await narrow.score(prompts, completions, { want: { topK: 12 } })) as {
    topK: { ids: Int32Array; logp: Float32Array };
  };
  const own = [4, 5, 6, 7, 8].map(
    (digit, r) => topK.logp[r * 12 + topK.ids.subarray(r * 12, r * 12 + 12).indexOf(digit + 2)],
  );
  for (const [r, logp] of sampled.entries()) expect(logp).toBeCloseTo(own[r] as number, 5);
  expect(narrow.vocabSize).toBe(12);
  refused(() => modelTeacher(wide, wideParams, vocabulary, { columns: 18 }), 'modelTeacher, columns');
});

test('teachers refuse options that are none', () => {
  refused(() => modelTeacher(student, params, vocabulary, { packng: true } as object), 'Did you mean packing?');
  refused(() => modelTeacher(student, params, vocabulary, { precision: 'fp8' } as object), 'got "fp8", wanted one of');
  refused(() => oracleTeacher(() => new Float64Array(12), vocabulary, { identiy: 'x' } as object), 'identity');
  refused(() => oracleTeacher(3 as never, vocabulary), 'next is no function');
});

const z = ones([2, 2, 3]) as Tensor3D;
const mask = tensor2d([
  [1, 1],
  [1, 0],
]);
const row = ones([2, 3]) as Tensor2D;

test('losses refuse options that are none, and what is no tensor', () => {
  refused(
    () => tokenDivergence(row, row, 'fkl', { teachertemperature: 9 } as object),
    'Did you mean teacherTemperature?',
  );
  refused(() => tokenDivergence(row, row, 'fkl', null as never), 'the options are no object');
  refused(() => tokenDivergence(row, undefined as never, 'fkl'), 'zT is missing');
  const o = { zS: z, zT: z, mask, divergence: 'fkl' as const };
  refused(() => distillLoss({ ...o, reducton: 'token' } as never), 'Did you mean reduction?');
  refused(() => distillLoss({ ...o, mask: undefined } as never), 'mask is missing');
});

type TopKRows = { ids: number[]; logp: number[]; tail?: number[] };
const rowsOf = ({ ids, logp, tail }: TopKRows): ChunkedLossInput['teacher'] => ({
  topK: {
    ids: Int32Array.from(ids),
    logp: Float32Array.from(logp),
    tail: (tail && Float32Array.from(tail)) as Float32Array,
  },
});
const thirds = { ids: [0, 1, 2], logp: Array(3).fill(Math.log(0.4)), tail: [0.6, 0.6, 0.6] };
test.each<[string, object, string, string]>([
  ['an option that is none', { rowPerChunk: 1 }, 'Did you mean rowsPerChunk?', 'ERR_CONFIG'],
  ['sampled tokens', { teacher: { sampled: Float32Array.of(-1, -1, -1) } }, 'whose they are is not said', 'ERR_DATA'],
  ['no rows', { teacher: undefined }, 'it gives no distributions', 'ERR_DATA'],
  [
    'no sum of the others',
    { teacher: rowsOf({ ...thirds, tail: undefined as never }) },
    'ids, logp and tail',
    'ERR_DATA',
  ],
  ['a sum of 5', { teacher: rowsOf({ ...thirds, tail: [5, 5, 5] }) }, 'the sum alone 5', 'ERR_NUMERICAL'],
  ['a sum below 0', { teacher: rowsOf({ ...thirds, tail: [-0.2, 0, 0] }) }, 'the sum alone -0.2', 'ERR_NUMERICAL'],
  ['an id beyond V', { teacher: rowsOf({ ...thirds, ids: [0, 1, 9] }) }, 'got 9, wanted 0 to 2', 'ERR_DATA'],
  ['a temperature of top-k', { teacher: rowsOf(thirds), teacherTemperature: 3 }, 'wanted 1 with topK', 'ERR_CONFIG'],
])('the chunked loss refuses %s', (_, o, message, code) => {
  const hiddenS = ones([2, 2, 4]) as Tensor3D;
  const headS = ones([3, 4]) as Tensor2D;
  const good = { hiddenS, headS, mask, teacher: rowsOf(thirds), divergence: 'fkl' as const, rowsPerChunk: 2 };
  expect(Number.isFinite(chunkedDistillLoss(good).dataSync()[0])).toBe(true);
  refused(() => chunkedDistillLoss({ ...good, ...o } as never), message, code);
});

test('a teacher that writes ids that are no tokens, or too few completions, is refused', async () => {
  const writing = async (written: object): Promise<unknown> => {
    const sample = async () => ({ width: 1, ended: Uint8Array.of(1, 1), ...written });
    const o = { lambda: 0, offPolicy: { source: 'teacher' }, teacher: { ...teacher, sample } };
    using trainer = new GkdTrainer({ ...base, ...o } as unknown as GkdOptions);
    return await trainer.run({ steps: 1 });
  };
  const one = Int32Array.of(1, 1);
  await expect(writing({ ids: Int32Array.of(3, 50), lengths: one })).rejects.toThrow(
    'teacher.sample: token 0 of completion 1 is none; got 50, wanted ids from 0 to 11',
  );
  await expect(writing({ ids: Int32Array.of(3), lengths: Int32Array.of(1) })).rejects.toThrow(
    'another number of completions; got 1, wanted 2',
  );
});

describe('an evaluation', () => {
  const o: EvaluateDistillationOptions = {
    ...{ models: { a: { policy: student, params } }, tokenizer: vocabulary, teacher, prompts: ['1', '2'] },
    ...{ decode: ['greedy'], metric: () => 1, seed: 0, maxNewTokens: 4 },
  };
  const first = (more: object): Promise<unknown> => evaluateDistillation({ ...o, ...more }).next();

  test.each<[string, object, string]>([
    ['an option that is none', { bachSize: 1 }, 'Did you mean batchSize?'],
    ['prompts of one text', { prompts: '12' }, 'prompts are no array'],
    ['a metric that gives nothing', { metric: () => undefined }, 'metric: no score'],
    [
      'a teacher that says NaN',
      { teacher: { ...teacher, score: async () => ({ full: fill([8, 12], Number.NaN) }) } },
      'NaN',
    ],
    [
      'a teacher of too few rows',
      { teacher: { ...teacher, score: async () => ({ full: ones([1, 12]) }) } },
      'number of tokens',
    ],
    [
      'a teacher of another kind',
      { teacher: { ...teacher, score: async () => ({ sampled: Float32Array.of(1) }) } },
      'another kind',
    ],
    ['logits of other widths', { teacher: padded }, 'Pass alignVocab: true to compare the tokenizer’s 12 ids only'],
  ])('refuses %s', async (_, more, message) => {
    await expect(first(more)).rejects.toThrow(message);
  });

  test('compares the tokenizer’s ids alone where asked', async () => {
    const { value } = (await first({ teacher: padded, alignVocab: true })) as { value: { fkl: number } };
    const columns = modelTeacher(wide, wideParams, vocabulary, { columns: vocabulary.size });
    const { value: same } = (await first({ teacher: columns })) as { value: { fkl: number } };
    expect(value.fkl).toBeCloseTo(same.fkl, 5);
  });
});
