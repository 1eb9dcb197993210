/** What is refused, and what the refusal says (gkd.md §7 and the table of cases). */
import { decoder } from '@gimbal/language-models';
import { type Params, type Prompt, rng, useBackend } from '@gimbal/tensor-core';
import { concat, fill, keep, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import {
  type GkdOptions,
  GkdTrainer,
  modelTeacher,
  oracleTeacher,
  type Teacher,
  type TeacherRows,
} from '../src/index.ts';
import { counting, letters, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher } = counting();
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const base: GkdOptions = {
  ...{ student, params, tokenizer: vocabulary, teacher, prompts: ['1', '2'], divergence: 'fkl', maxNewTokens: 4 },
  ...{ batchSize: 2, learningRate: 0.01, seed: 0 },
};
const swapped = letters('0123456798');
const wide = smallModel({ ...vocabulary, size: vocabulary.size + 5 }, 8);
const wideParams = wide.init(rng(1));
const sizes = { family: 'llama', vocabularySize: vocabulary.size, width: 8, layers: 1, heads: 2 } as const;
const endless = decoder({ ...sizes, contextLength: 16 });
const short = decoder({ ...sizes, contextLength: 4, eosIds: [1] });
const shortParams = short.init(rng(2));

test.each<[string, Partial<GkdOptions>, string]>([
  ['λ beyond 1', { lambda: 1.5 }, 'lambda: out of range; got 1.5, wanted a number from 0 to 1'],
  ['λ that is no number', { lambda: Number.NaN }, 'lambda'],
  ['β below 0', { divergence: { kind: 'jsd', beta: -0.1 } }, 'divergence.beta'],
  ['α beyond 1', { reward: { fn: () => [], alpha: 2, samplesPerPrompt: 2 } }, 'reward.alpha'],
  ['γ beyond 1', { futureDiscount: 2 }, 'futureDiscount'],
  ['γ between with the mean of completions', { futureDiscount: 0.5 }, "wanted 0, 1, or reduction 'token'"],
  ['a sampling temperature of 0', { temperature: 0 }, 'Say so with greedy: true'],
  ['greedy completions at a temperature', { greedy: true, temperature: 0.5 }, 'greedy completions have no temperature'],
  [
    'a teacher’s completions at 0',
    { lambda: 0.5, offPolicy: { source: 'teacher', temperature: 0 } },
    'Say so with offPolicy.greedy: true',
  ],
  [
    'rewards of greedy completions',
    { greedy: true, reward: { fn: () => [], alpha: 0.5, samplesPerPrompt: 2 } },
    'reward: greedy completions are not samples',
  ],
  ['the exact gradient of them', { greedy: true, futureDiscount: 1 }, 'Leave out greedy, or futureDiscount'],
  ['their sampled reverse KL', { greedy: true, divergence: 'sampled-rkl' }, 'Leave out greedy, or divergence'],
  ['no divergence', { divergence: undefined as never }, 'divergence: there is none; wanted one of fkl'],
  ['a student that cannot end', { student: endless }, 'student: no token ends its completions'],
  ['a teacher’s temperature of 0', { teacherTemperature: 0 }, 'teacherTemperature'],
  ['no completions for λ below 1', { lambda: 0.5 }, 'offPolicy: lambda is 0.5, and there are no other completions'],
  ['a data set without completions', { lambda: 0, offPolicy: { source: 'dataset' } }, 'row 0: it has no completion'],
  ['maxNewTokens 0', { maxNewTokens: 0 }, 'maxNewTokens'],
  [
    'a prompt that leaves no room',
    { maxNewTokens: 40 },
    'longer than the student’s context; got 41, wanted at most 16',
  ],
  ['K 0', { teacherTopK: 0 }, 'topK: out of range; got 0, wanted a whole number from 1 to 12'],
  ['K beyond V', { teacherTopK: 13 }, 'topK'],
  ['top-k at another temperature', { teacherTopK: 3, teacherTemperature: 2 }, 'teacherTemperature'],
  ['a chunk of no row', { rowsPerChunk: 0 }, 'rowsPerChunk'],
  ['a chunk of no column', { vocabularyPerChunk: 0 }, 'vocabularyPerChunk'],
  [
    'columns of likeliest tokens',
    { vocabularyPerChunk: 4, teacherTopK: 2 },
    'the teacher gives no whole distributions',
  ],
  ['no end of text', { tokenizer: { ...vocabulary, special: { eos: undefined } } }, 'no end-of-text token'],
  ['no teacher', { teacher: undefined as unknown as Teacher }, 'teacher: there is none'],
  ['the student as its teacher', { teacher: modelTeacher(student, params, vocabulary) }, 'it is the student itself'],
  [
    'its weights in other objects',
    { teacher: modelTeacher({ ...student }, { ...params }, vocabulary) },
    'both have the same weights',
  ],
  [
    'a teacher that reads less than the student',
    { teacher: { large: modelTeacher(short, shortParams, vocabulary) } },
    'prompts, row 0: a prompt of 1 tokens and a completion of 4 are longer than teacher large’s context; got 5, wanted at most 4',
  ],
  [
    'words for the teacher that it has no room for',
    { teacher: modelTeacher(student, shortParams, vocabulary), teacherPrompt: () => '1'.repeat(13) },
    'prompts, row 0: a prompt of 13 tokens and a completion of 4 are longer than the teacher’s context',
  ],
  [
    'the same of a student that is its own teacher',
    { teacher: undefined as never, selfTeacher: { decay: 1 }, teacherPrompt: () => '1'.repeat(13) },
    'longer than the teacher’s context; got 17, wanted at most 16',
  ],
  [
    'rows of a data set that the teacher has no room for',
    {
      ...{ teacher: modelTeacher(short, shortParams, vocabulary), maxNewTokens: 2, lambda: 0.5 },
      offPolicy: { source: 'dataset', data: [{ prompt: '1', completion: '23456' }] },
    },
    'offPolicy.data, row 0: a prompt of 1 tokens and a completion of 6 are longer than the teacher’s context',
  ],
  ['nll of the student’s own', { divergence: 'nll' }, 'would teach it its mistakes'],
  [
    'groups that do not fit',
    { reward: { fn: () => [], alpha: 0.5, samplesPerPrompt: 3 } },
    'a multiple of reward.samplesPerPrompt = 3',
  ],
  ['an option that is misspelt', { lambd: 1 } as Partial<GkdOptions>, 'Did you mean lambda?'],
  [
    'two ids exchanged',
    { teacher: modelTeacher(student, student.init(rng(5)), swapped) },
    'token 10 is "8" to the student',
  ],
  ['logits of other widths', { teacher: modelTeacher(wide, wideParams, vocabulary) }, 'got 17, wanted 12'],
])('refuses %s', (_, o, message) => {
  expect(() => new GkdTrainer({ ...base, ...o })).toThrow(message);
});

test('widths that differ are compared on the tokenizer’s ids where asked', async () => {
  const other = modelTeacher(wide, wideParams, vocabulary);
  using trainer = new GkdTrainer({ ...base, teacher: other, alignVocab: true });
  expect((await trainer.run({ steps: 1 }))?.fkl).toBeGreaterThan(0);
  using narrow = new GkdTrainer({ ...base, student: wide, params: wideParams, alignVocab: true });
  expect((await narrow.run({ steps: 1 }))?.fkl).toBeGreaterThan(0);
});

test('columns that are no token are gone before the softmax, however large', async () => {
  const wider: Teacher = {
    ...teacher,
    vocabSize: 17,
    async score(...asked) {
      const { full } = (await teacher.score(...asked)) as { full: Tensor2D };
      const out = keep(concat([full, fill([full.shape[0], 5], 100)], 1));
      full.dispose();
      return { full: out as Tensor2D };
    },
  };
  const loss = async (o: Partial<GkdOptions>): Promise<number | undefined> => {
    using trainer = new GkdTrainer({ ...base, ...o });
    return (await trainer.run({ steps: 1 }))?.loss;
  };
  const plain = await loss({});
  expect(plain).toBeGreaterThan(0);
  expect(await loss({ teacher: wider, alignVocab: true })).toBe(plain);
});

interface TopK {
  ids: readonly number[];
  logp: readonly number[];
  tail: readonly number[] | undefined;
}

const answering = (value: number): Teacher => ({
  ...teacher,
  score: async (_, c) => ({ full: keep(fill([c.lengths.reduce((a, b) => a + b, 0), 12], value)) }),
});

test('a teacher that says NaN is named, and the parameters stay', async () => {
  using trainer = new GkdTrainer({ ...base, teacher: answering(Number.NaN) });
  await expect(trainer.run({ steps: 1 })).rejects.toThrow('teacher: it gives no distribution (NaN) at token 0');
});

test('a teacher with another number of rows is refused', async () => {
  const short: Teacher = { ...teacher, score: async () => ({ full: keep(fill([1, 12], 0)) }) };
  using trainer = new GkdTrainer({ ...base, teacher: short });
  await expect(trainer.run({ steps: 1 })).rejects.toThrow('it scored another number of tokens');
});

test('banned tokens are refused for the reverse KL, and fine for the forward KL', async () => {
  const banning: Teacher = {
    ...teacher,
    score: async (_, c) => {
      const rows = c.lengths.reduce((a, b) => a + b, 0);
      const z = Array.from({ length: rows }, () => [Number.NEGATIVE_INFINITY, ...Array(11).fill(0)]).flat();
      return { full: keep(tensor2d(z, [rows, 12])) };
    },
  };
  using reverse = new GkdTrainer({ ...base, divergence: 'rkl', teacher: banning });
  await expect(reverse.run({ steps: 1 })).rejects.toThrow('it bans a token');
  using skewed = new GkdTrainer({ ...base, divergence: { kind: 'skew-rkl', alpha: 0 }, teacher: banning });
  await expect(skewed.run({ steps: 1 })).rejects.toThrow('it bans a token');
  using forward = new GkdTrainer({ ...base, teacher: banning });
  expect(Number.isFinite((await forward.run({ steps: 1 }))?.loss)).toBe(true);
});

test.each<[string, Partial<GkdOptions>, RegExp]>([
  ['its likeliest tokens', { divergence: 'rkl', teacherTopK: 3 }, /it bans a token/],
  ['one and no others', { divergence: 'rkl', teacherTopK: 1 }, /it bans a token, or all but those it names/],
  ['the student’s likeliest', { divergence: 'rkl', teacherTopK: 3, topKOf: 'student' }, /it bans a token/],
  ['the token that was written', { divergence: 'sampled-rkl' }, /it bans the token that was written.*at token \d/],
])('so are an oracle’s exact zeros among %s', async (_, o, message) => {
  const sure = oracleTeacher((prefix) => {
    const p = new Float64Array(vocabulary.size);
    p[2 + (prefix.length % 10)] = 1;
    return p;
  }, vocabulary);
  using reverse = new GkdTrainer({ ...base, teacher: sure, ...o });
  await expect(reverse.run({ steps: 1 })).rejects.toThrow(message);
  using forward = new GkdTrainer({ ...base, teacher: sure, ...o, divergence: 'fkl' });
  expect(Number.isFinite((await forward.run({ steps: 1 }))?.loss)).toBe(true);
});

test('of all tokens there are no others to be banned', async () => {
  using trainer = new GkdTrainer({ ...base, divergence: 'rkl', teacherTopK: 12 });
  expect(Number.isFinite((await trainer.run({ steps: 1 }))?.loss)).toBe(true);
});

test('rows that only the teacher has no room for are left out where that is asked for', async () => {
  const teacherPrompt = (p: Prompt): string => (p === '2' ? '2'.repeat(13) : '1');
  const large = modelTeacher(student, student.init(rng(5)), vocabulary);
  using trainer = new GkdTrainer({ ...base, teacher: large, teacherPrompt, overflow: 'drop', batchSize: 1 });
  for await (const { samples } of trainer.train({ steps: 3 })) expect(samples[0]?.prompt).toBe('1');
});

test('greedy completions, where they are asked for: of the student, of the teacher', async () => {
  const greedily = async (o: Partial<GkdOptions>): Promise<unknown[]> => {
    using trainer = new GkdTrainer({ ...base, learningRate: 0, ...o });
    const out: unknown[] = [];
    for await (const { samples, offPolicySampling } of trainer.train({ steps: 3 }))
      out.push([samples.map(({ prompt, completion }) => `${prompt}${completion}`).sort(), offPolicySampling]);
    return out;
  };
  const [first, ...others] = await greedily({ greedy: true });
  for (const other of others) expect(other).toEqual(first);
  expect(first).toEqual([expect.anything(), true]);
  const written = await student.sample(params, vocabulary.encode(['1', '2']), {
    ...{ temperature: 0, maxNewTokens: 4, rng: rng(9) },
  });
  expect((first as [string[]])[0]).toEqual(vocabulary.decode(written).map((text, i) => `${i + 1}${text}`));
  const [taught] = await greedily({ lambda: 0, offPolicy: { source: 'teacher', greedy: true } });
  expect((taught as [string[]])[0]).toEqual(['12345', '23456']);
});

test('a reward of another number of rows, or not finite, is refused', async () => {
  const run = async (rewards: number[]): Promise<unknown> => {
    using trainer = new GkdTrainer({ ...base, reward: { fn: () => rewards, alpha: 0.5, samplesPerPrompt: 2 } });
    return await trainer.run({ steps: 1 });
  };
  await expect(run([1])).rejects.toThrow('another number of rewards');
  await expect(run([1, Number.NaN])).rejects.toThrow('no reward');
});

test.each<[string, TopK, RegExp]>([
  ['without a sum of the others', { ids: [0], logp: [0], tail: undefined }, /without the sum of the others.*no sums/],
  ['in another number', { ids: [0, 1], logp: [0, 0], tail: [0] }, /in another number; got "16 ids/],
  ['that make more than 1', { ids: [0], logp: [0], tail: [0.5] }, /make 1.5 at token 0/],
  ['with a negative rest', { ids: [0], logp: [Math.log(1.2)], tail: [-0.2] }, /the sum alone -0.2/],
])('likeliest tokens %s are refused', async (_, topK, message) => {
  const served = (c: { lengths: Int32Array }): TeacherRows => {
    const rows = Array.from({ length: c.lengths.reduce((a, b) => a + b, 0) });
    const all = (x: readonly number[]): number[] => rows.flatMap(() => [...x]);
    return {
      topK: {
        ids: Int32Array.from(all(topK.ids)),
        logp: Float32Array.from(all(topK.logp)),
        tail: (topK.tail && Float32Array.from(all(topK.tail))) as Float32Array,
      },
    };
  };
  using trainer = new GkdTrainer({
    ...{ ...base, teacherTopK: 1, teacher: { ...teacher, score: async (__, c) => served(c) } },
  });
  await expect(trainer.run({ steps: 1 })).rejects.toThrow(message);
});

test('a tiny β is told of, once, and trained all the same', () => {
  const told = (divergence: GkdOptions['divergence']): string[] => {
    const out: string[] = [];
    new GkdTrainer({ ...base, divergence, warn: (text) => out.push(text) })[Symbol.dispose]();
    return out;
  };
  expect(told({ kind: 'jsd', beta: 1e-6 })).toEqual([
    expect.stringMatching(/β 0.000001 is about 0.000001 times the forward KL, which β 0 is/),
  ]);
  expect(told({ kind: 'jsd', beta: 0.999 })).toEqual([
    expect.stringMatching(/0.001 times the reverse KL, which β 1 is/),
  ]);
  for (const beta of [0, 0.01, 0.5, 1]) expect(told({ kind: 'jsd', beta })).toEqual([]);
  expect(told({ kind: 'jsd', beta: 1e-6, scale: 'normalised' })).toEqual([]);
});

test('completions without a token are refused', async () => {
  const silent = {
    ...student,
    sample: async () => ({ ids: new Int32Array(0), width: 0, lengths: new Int32Array(2), ended: Uint8Array.of(1, 1) }),
  };
  using trainer = new GkdTrainer({ ...base, student: silent });
  await expect(trainer.run({ steps: 1 })).rejects.toThrow('every completion is empty');
});
