/** Students of teachers with another tokenizer: what they learn, what is said of them, and what is refused. */
import { padBatch } from '@gimbal/language-models';
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  type Divergence,
  type EvalRow,
  type EvaluateDistillationOptions,
  evaluateDistillation,
  type GkdOptions,
  type GkdStep,
  GkdTrainer,
  modelTeacher,
  oracleTeacher,
} from '../src/index.ts';
import { idsOf } from '../src/teachers/vocabulary.ts';
import { inPairs, pairs } from './helpers/pairs.ts';
import { counting, letters, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher, right } = counting(0.9);

const student = smallModel(vocabulary, 16);
const params: Params = student.init(rng(0));
/** The student, but that it writes what it is told to. */
const written = (answer: (prompt: string) => string): typeof student => ({
  ...student,
  sample: async (_, batch) => {
    const rows = vocabulary.decode(batch).map((prompt) => [...idsOf(vocabulary, answer(prompt)), 1]);
    return { ...padBatch(rows, 0), ended: new Uint8Array(rows.length).fill(1) };
  },
});
const prompts = Array.from('0123456789');
const options = (o: Partial<GkdOptions>): GkdOptions => ({
  ...{ student, params, tokenizer: vocabulary, teacher: inPairs, prompts, divergence: 'uld', maxNewTokens: 5 },
  ...{ batchSize: 10, learningRate: 0.02, seed: 1, ...o },
});
const stepsOf = async (o: Partial<GkdOptions>, steps: number): Promise<GkdStep[]> => {
  using trainer = new GkdTrainer(options(o));
  const out: GkdStep[] = [];
  for await (const step of trainer.train({ steps })) out.push(step);
  return out;
};

test.each<[string, Divergence]>([
  ['JSD', { kind: 'jsd', beta: 0.3 }],
  ['forward KL', 'fkl'],
])('a hybrid of equal tokenizers is the plain %s', async (_, divergence) => {
  const same = modelTeacher(student, student.init(rng(8)), vocabulary);
  const run = async (alignment: 'none' | 'hybrid'): Promise<number[]> =>
    (await stepsOf({ teacher: same, divergence, alignment, teacherTemperature: 0.7 }, 4)).map(({ loss }) => loss);
  const [plain, hybrid] = [await run('none'), await run('hybrid')];
  for (const [i, loss] of hybrid.entries()) expect(Math.abs(loss - (plain[i] as number))).toBeLessThan(1e-5);
});

const mean = (x: readonly GkdStep[]): number => x.reduce((s, { loss }) => s + loss, 0) / x.length;
const left = (steps: readonly GkdStep[]): number => mean(steps.slice(-5)) / mean(steps.slice(0, 5));

test('a student of digits comes nearer to a teacher of pairs by sorted probabilities', async () => {
  const before = memory().numTensors;
  expect(left(await stepsOf({ alignment: 'uld', divergence: 'uld' }, 80))).toBeLessThan(0.7);
  expect(memory().numTensors).toBe(before);
});

test('a hybrid does with tokens that are parts of the teacher’s', async () => {
  const o = { alignment: 'hybrid', divergence: { kind: 'jsd', beta: 0.5 } } as const;
  using trainer = new GkdTrainer(options(o));
  const steps: GkdStep[] = [];
  for await (const step of trainer.train({ steps: 150 })) steps.push(step);
  expect(left(steps)).toBeLessThan(0.7);
});

test('it does by sampled stretches, once it can write a little', async () => {
  const data = prompts.map((prompt) => ({ prompt, completion: right(prompt) }));
  const given = { divergence: 'nll', lambda: 0, offPolicy: { source: 'dataset', data } } as const;
  using start = new GkdTrainer(options({ ...given, alignment: 'spans' }));
  await start.run({ steps: 10 });
  const o = { alignment: 'spans', divergence: 'sampled-rkl', params: start.params, batchSize: 40 } as const;
  expect(left(await stepsOf({ ...o, learningRate: 0.005 }, 80))).toBeLessThan(0.9);
});

test('a hybrid finds the teacher’s tokens by their names: answers become right', async () => {
  // the same digits under other ids, and a token that the student has not
  const others = letters('9876543210x');
  const turned = oracleTeacher((prefix, promptLength) => {
    const p = new Float64Array(others.size).fill(0.1 / others.size);
    const next = (Number(others.token(prefix.at(-1) as number)) + 1) % 10 || 0;
    const target = prefix.length - promptLength === 4 ? 1 : 2 + (9 - next);
    p[target] = (p[target] as number) + 0.9;
    return p;
  }, others);
  // near the forward KL, and half of the completions right ones: on its own alone the student keeps some answers of its
  // start, which of them by rounding (4 to 9 of 10 were right); so all ten are, on five seeds by AVX2 and AVX-512
  const data = prompts.map((prompt) => ({ prompt, completion: right(prompt) }));
  const half = { lambda: 0.5, mixing: 'sequence', offPolicy: { source: 'dataset', data }, batchSize: 20 } as const;
  const o = { alignment: 'hybrid', divergence: { kind: 'jsd', beta: 0.1 }, teacher: turned, ...half } as const;
  using trainer = new GkdTrainer(options(o));
  const steps: GkdStep[] = [];
  for await (const step of trainer.train({ steps: 150 })) steps.push(step);
  expect(left(steps)).toBeLessThan(0.5);
  const how = { temperature: 0, maxNewTokens: 5, rng: rng(0) };
  const answers = vocabulary.decode(await student.sample(trainer.params, vocabulary.encode(prompts), how));
  expect(answers.filter((text, i) => text === right(prompts[i] as string)).length).toBeGreaterThan(7);
});

test('completions of a teacher with other tokens are read again in the student’s, for fine-tuning too', async () => {
  const sure = oracleTeacher((prefix, promptLength) => {
    const p = new Float64Array(pairs.size);
    const written = pairs.decode(padBatch([[...prefix]], 0))[0] as string;
    p[prefix.length - promptLength === 2 ? 1 : 12 + ((Number(written.at(-1)) + 1) % 10)] = 1;
    return p;
  }, pairs);
  const offPolicy = { source: 'teacher' } as const;
  const [step] = await stepsOf({ teacher: sure, divergence: 'nll', lambda: 0, offPolicy, alignment: 'spans' }, 1);
  expect(step?.source).toBe('teacher');
  for (const { prompt, completion } of step?.samples ?? []) expect(completion).toBe(right(prompt));
  expect(step?.eosRate).toBe(1);
  const cut = await stepsOf(
    { teacher: sure, divergence: 'nll', lambda: 0, offPolicy, alignment: 'spans', maxNewTokens: 3 },
    1,
  );
  expect([cut[0]?.eosRate, cut[0]?.meanLength]).toEqual([0, 3]);
  const [mixed] = await stepsOf({ alignment: 'uld', lambda: 0, offPolicy }, 1);
  expect(Number.isFinite(mixed?.loss)).toBe(true);
});

test('an evaluation by stretches: with equal tokenizers what tokens say, with others what their text says', async () => {
  const large = smallModel(vocabulary, 12);
  const model = modelTeacher(large, large.init(rng(1)), vocabulary);
  const first = async (o: Partial<EvaluateDistillationOptions>): Promise<EvalRow> => {
    const rows = evaluateDistillation({
      ...{ models: { student: { policy: student, params } }, tokenizer: vocabulary, teacher: model, prompts, seed: 0 },
      ...{ decode: [{ temperature: 1, samples: 4 }], metric: () => 0, maxNewTokens: 5, ...o },
    });
    return (await rows.next()).value as EvalRow;
  };
  const [tokens, spans] = [await first({}), await first({ alignment: 'spans' })];
  expect(spans.teacherLogProb).toBeCloseTo(tokens.teacherLogProb, 5);
  expect([spans.fkl, spans.acceptance, spans.entropy]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  // of itself: log q and log p of every token are equal
  expect((await first({ alignment: 'spans', teacher: modelTeacher(student, params, vocabulary) })).rkl).toBeCloseTo(
    0,
    5,
  );
  // two digits a token, and prompts in other words: every prompt as if it were the next digit
  const other = { alignment: 'spans' as const, teacher: inPairs, decode: ['greedy' as const] };
  const counts = { models: { right: { policy: written(right), params } } };
  const moved = prompts.map((_, i) => String((i + 9) % 10));
  const said = await first({ ...other, ...counts });
  // two tokens and the end, sure of each by .9 and a 22th of .1
  expect(said.teacherLogProb).toBeCloseTo((3 * Math.log(0.9 + 0.1 / 22)) / 5, 5);
  expect((await first({ ...other, ...counts, teacherPrompts: moved })).teacherLogProb).toBeLessThan(
    said.teacherLogProb,
  );
  await expect(first({ alignment: 'spans', teacherPrompts: ['1'] })).rejects.toThrow('another number of prompts');
  await expect(first({ teacherPrompts: prompts })).rejects.toThrow("wanted alignment 'spans'");
  await expect(first({ teacher: inPairs })).rejects.toThrow(/alignment/);
});

test.each<[string, Partial<GkdOptions>, string]>([
  ['uld without its alignment', { teacher, divergence: 'uld' }, "wanted alignment 'uld'"],
  ['sorted probabilities of another divergence', { alignment: 'uld', divergence: 'fkl' }, "wanted divergence 'uld'"],
  ['a hybrid of samples', { alignment: 'hybrid', divergence: 'sampled-rkl' }, 'got "sampled-rkl", wanted a divergence'],
  ['γ beside it', { alignment: 'uld', futureDiscount: 1 }, 'futureDiscount: alignment uld compares'],
  ['likeliest tokens alone', { alignment: 'uld', teacherTopK: 3 }, 'teacherTopK: alignment uld compares'],
  ['widths of one tokenizer', { alignment: 'uld', alignVocab: true }, 'alignVocab: alignment uld compares'],
  [
    'a teacher that does not say its tokenizer',
    { alignment: 'uld', teacher: { ...inPairs, vocabulary: undefined as never } },
    'does not say which tokenizer',
  ],
  ['another way', { alignment: 'bytes' as never }, 'alignment'],
])('refuses %s', (_, o, message) => {
  expect(() => new GkdTrainer(options(o))).toThrow(message);
});
