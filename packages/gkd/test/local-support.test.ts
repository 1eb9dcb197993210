/** D on the student's likeliest tokens and a bucket for the rest, what it leaves out, and tokens at which nothing is compared. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { padBatch } from '@gimbal/language-models';
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { grad, ones, type Tensor, tensor2d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import { cachedTeacher, chunkedDistillLoss, type GkdOptions, type GkdStep, GkdTrainer, presets } from '../src/index.ts';
import { atTokens, likeliest, topKOf } from '../src/teachers/top-k.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const p = [0.5, 0.3, 0.15, 0.05];
const q = [0.1, 0.2, 0.3, 0.4];
const logs = (x: readonly number[]): number[] => x.map(Math.log);
const teacherOf = (ids: number[]) => atTokens({ full: tensor2d([logs(p)]) }, Int32Array.from(ids), ids.length);
const identity = tensor2d(p.map((_, i) => p.map((__, j) => Number(i === j))));

/** Σ q log q/p over tokens and the bucket of the others, of softmax(z), in float64. */
function coarseReverse(z: readonly number[], ids: readonly number[]): number {
  const total = z.reduce((a, x) => a + Math.exp(x), 0);
  const own = z.map((x) => Math.exp(x) / total);
  const rest = (x: readonly number[]): number => x.reduce((a, v, i) => (ids.includes(i) ? a : a + v), 0);
  const term = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  return ids.reduce((a, i) => a + term(own[i] as number, p[i] as number), term(rest(own), rest(p)));
}

test.each([
  // .4 ln .4/.05 + .3 ln .3/.15 + .3 ln .3/.8
  ['the student’s two', [3, 2], 0.745472],
  // .1 ln .1/.5 + .2 ln .2/.3 + .7 ln .7/.2
  ['the teacher’s two', [0, 1], 0.634897],
  ['all of them', [3, 2, 1, 0], 0.797684],
])('reverse KL on %s, by hand, its gradient by differences', (_, ids, wanted) => {
  const z = logs(q);
  const loss = (x: Tensor): Tensor =>
    chunkedDistillLoss({
      ...{ hiddenS: x as never, headS: identity, teacher: { topK: teacherOf(ids) }, mask: ones([1, 1]) },
      ...{ divergence: 'rkl', rowsPerChunk: 1 },
    });
  tidy(() => {
    const given = tensor3d([[z]]);
    expect(loss(given).dataSync()[0]).toBeCloseTo(wanted, 5);
    expect(coarseReverse(z, ids)).toBeCloseTo(wanted, 5);
    for (const [i, d] of grad(loss)(given).dataSync().entries()) {
      const moved = (by: number): number => coarseReverse(z.with(i, (z[i] as number) + by), ids);
      expect(d).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 5);
    }
  });
});

test('tokens that are asked for come in their order, with the sum of the others', () => {
  const { ids, logp, tail } = teacherOf([3, 2]);
  expect([...ids]).toEqual([3, 2]);
  for (const [i, x] of [...logp].entries()) expect(x).toBeCloseTo(logs(p)[3 - i] as number, 5);
  expect(tail[0]).toBeCloseTo(0.8, 6);
  expect([...likeliest({ full: tensor2d([logs(q), logs(p)]) }, 2)]).toEqual([3, 2, 0, 1]);
});

test('what a sure teacher leaves to the others is not rounded away', () => {
  // 2 e⁻³⁰ of 1
  expect((topKOf(tensor2d([[30, 0, 0]]), 1).tail[0] as number) / (2 * Math.exp(-30))).toBeCloseTo(1, 4);
});

const { vocabulary, teacher, right } = counting();
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const data = Array.from('0123456789', (prompt) => ({ prompt, completion: right(prompt) }));
const options = (o: Partial<GkdOptions> = {}): GkdOptions => ({
  ...{ student, params, tokenizer: vocabulary, teacher, prompts: data, divergence: 'rkl', maxNewTokens: 5 },
  ...{ batchSize: 10, learningRate: 0.01, seed: 1, ...o },
});
const first = async (o: Partial<GkdOptions>): Promise<GkdStep> => {
  using trainer = new GkdTrainer(options(o));
  return (await trainer.run({ steps: 1 })) as GkdStep;
};

test('a step tells what either side has elsewhere, an evaluation what the bound leaves out', async () => {
  const held = { heldOut: data, evalEvery: 1 };
  const whole = await first(held);
  const support = { ...held, teacherTopK: 4 };
  const [ofTeacher, ofStudent] = [await first(support), await first({ ...support, topKOf: 'student' })];
  for (const step of [ofTeacher, ofStudent]) {
    expect(step.loss).toBeLessThanOrEqual(whole.loss);
    expect(step.evalTopKBias).toBeLessThan(0);
  }
  // each side's likeliest leave itself the least
  expect(ofStudent.studentTail).toBeLessThan(ofTeacher.studentTail as number);
  expect(ofTeacher.teacherTail).toBeLessThan(ofStudent.teacherTail as number);
  expect(whole.studentTail).toBeUndefined();
  expect(whole.evalTopKBias).toBeUndefined();
  const all = await first({ ...held, teacherTopK: vocabulary.size, topKOf: 'student' });
  expect(all.loss / whole.loss).toBeCloseTo(1, 4);
  expect(all.evalTopKBias as number).toBeCloseTo(0, 4);
});

test('several teachers are asked for the tokens of their own rows', async () => {
  const prompts = data.map((row, i) => ({ ...row, teacher: i % 2 === 0 ? 'a' : 'b' }));
  const o = { prompts, teacherTopK: 4, topKOf: 'student' as const };
  const [one, two] = [await first({ ...o, prompts: data }), await first({ ...o, teacher: { a: teacher, b: teacher } })];
  expect(two.loss / one.loss).toBeCloseTo(1, 5);
});

test('where a token is ignored nothing is compared: the parts make the whole', async () => {
  const set: Partial<GkdOptions> = { lambda: 0, offPolicy: { source: 'dataset' } };
  const ids = Array.from({ length: vocabulary.size }, (_, id) => id);
  const odd = (id: number): boolean => id % 2 === 1;
  const loss = async (ignoreTokens: number[]): Promise<number> => (await first({ ...set, ignoreTokens })).loss;
  const [whole, odds, evens] = [await loss([]), await loss(ids.filter(odd)), await loss(ids.filter((i) => !odd(i)))];
  expect(odds).toBeGreaterThan(0);
  expect((odds + evens) / whole).toBeCloseTo(1, 5);
  expect(await first({ ...set, ignoreTokens: ids })).toMatchObject({ loss: 0, gradNorm: 0 });
});

test('a cache passes such questions on, and has no answer of its own', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gkd-'));
  try {
    const [ask, answer] = [padBatch([[2]], 0), padBatch([[3, 1]], 0)];
    const want = { at: Int32Array.of(4, 1, 1, 5), each: 2 };
    const kept = { ...teacher, identity: 'counting' };
    const rows = await cachedTeacher(kept, dir).score(ask, answer, { want });
    expect(rows).toEqual(await teacher.score(ask, answer, { want }));
    await expect(cachedTeacher(kept, dir, { offline: true }).score(ask, answer, { want })).rejects.toThrow('cache');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('the preset: 32 tokens, or all there are', async () => {
  expect(presets['local-support']({ teacher })).toMatchObject({ teacherTopK: vocabulary.size, topKOf: 'student' });
  expect(presets['local-support']({ teacher: { ...teacher, vocabSize: 999 } })).toMatchObject({ teacherTopK: 32 });
});

test.each<[string, Partial<GkdOptions>, string]>([
  ['whose tokens, of all', { topKOf: 'student' }, 'Say how many: teacherTopK'],
  ['tokens of nobody', { topKOf: 'both' as never, teacherTopK: 2 }, 'topKOf'],
  ['a token beyond the vocabulary', { ignoreTokens: [12] }, 'ignoreTokens: no token; got 12, wanted ids from 0 to 11'],
  ['ignored tokens in later returns', { ignoreTokens: [1], futureDiscount: 1 }, 'Leave out ignoreTokens'],
])('refuses %s', (_, o, message) => {
  expect(() => new GkdTrainer(options(o))).toThrow(message);
});
