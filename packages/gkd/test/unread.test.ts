/** Completions that a teacher with another tokenizer cannot read: left out of the loss, and counted. */
import { padBatch, rowOf } from '@gimbal/language-models';
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  evaluateDistillation,
  type GkdOptions,
  type GkdStep,
  GkdTrainer,
  type Teacher,
  type Vocabulary,
} from '../src/index.ts';
import { readable } from '../src/teachers/readable.ts';
import { idsOf } from '../src/teachers/vocabulary.ts';
import { counting, letters, smallModel } from './helpers.ts';

await useBackend('auto');

/** Digits and each two digits, the student's; the teacher has single ones. */
const twos: Vocabulary = (() => {
  const tokens = ['·', '.', ...'0123456789', ...Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))];
  const encodeText = (text: string): number[] => (text.match(/..?/g) ?? []).map((part) => tokens.indexOf(part));
  const decode: Vocabulary['decode'] = (batch) =>
    Array.from(batch.lengths, (_, b) => [...rowOf(batch, b)].map((id) => (id === 1 ? '' : tokens[id])).join(''));
  return {
    ...{ size: tokens.length, special: { pad: 0, eos: 1 }, token: (id: number) => tokens[id], encodeText, decode },
    encode: (texts) => padBatch(texts.map(encodeText), 0),
  };
})();
const { teacher: ones } = counting(0.9);
// a prompt and seven of the eight digits that four tokens can be
const short: Teacher = { ...ones, contextLength: 8 };
const student = smallModel(twos);
const params = student.init(rng(0));
const prompts = Array.from('0123456789');
const options = (o: Partial<GkdOptions>): GkdOptions => ({
  ...{ student, params, tokenizer: twos, teacher: short, prompts, divergence: 'sampled-rkl', alignment: 'spans' },
  ...{ maxNewTokens: 4, batchSize: 10, learningRate: 0.02, seed: 1, ...o },
});
const stepsOf = async (o: Partial<GkdOptions>, steps: number): Promise<GkdStep[]> => {
  using trainer = new GkdTrainer(options(o));
  const out: GkdStep[] = [];
  for await (const step of trainer.train({ steps })) out.push(step);
  return out;
};

test('one is read that fits beside its prompt and comes back as it was, by hand', () => {
  const rows = ['12', '1234', '12345'].map((text) => [...idsOf(twos, text), 1]);
  const completions = padBatch([...rows, idsOf(twos, '12345')], 0);
  // prompt, digits, end: 4, 6, 7; without the end 6
  const asked = ['0', '0', '0', '0'];
  expect(readable({ ...ones, contextLength: 6 }, twos, asked, completions)).toEqual([true, true, false, true]);
  expect(readable(ones, twos, asked, completions)).toEqual([true, true, true, true]);
  const some = letters('0123');
  const encodeText = (text: string): number[] => Array.from(text, (c) => some.encodeText?.(c)[0] as number);
  const known = { ...some, encodeText: (text: string) => encodeText(text).filter((id) => id >= 0) };
  expect(readable({ ...ones, vocabulary: known }, twos, asked, completions)).toEqual([true, false, false, false]);
});

test.each<[string, Partial<GkdOptions>]>([
  ['spans', {}],
  ['uld', { alignment: 'uld', divergence: 'uld' }],
  ['hybrid', { alignment: 'hybrid', divergence: { kind: 'jsd', beta: 0.5 } }],
  ['spans, accumulated', { batchSize: 2, accumulate: 5 }],
])('%s: those that are too long count nothing, which is told once', async (_, o) => {
  const told: string[] = [];
  const steps = await stepsOf({ ...o, warn: (text) => told.push(text) }, 3);
  const [first] = steps as [GkdStep];
  expect(first.unread).toBeGreaterThan(0);
  expect(first.unread).toBeLessThan(10);
  for (const { loss, gradNorm } of steps) expect(Number.isFinite(loss + gradNorm)).toBe(true);
  expect(told).toEqual([expect.stringMatching(/cannot read every completion: .* \d of 10 here/)]);
  // all of them are read where there is room
  expect((await stepsOf({ ...o, teacher: ones }, 1))[0]?.unread).toBe(0);
});

test('a step in which none is read moves nothing, and the run goes on', async () => {
  const [step] = await stepsOf({ teacher: { ...ones, contextLength: 1 }, optimizer: { name: 'sgd' } }, 2);
  expect([step?.unread, step?.loss, step?.gradNorm, step?.tokens]).toEqual([10, 0, 0, 0]);
});

test('an evaluation leaves them out, and counts them', async () => {
  const row = async (teacher: Teacher) => {
    const rows = evaluateDistillation({
      ...{ models: { student: { policy: student, params } }, tokenizer: twos, teacher, prompts, seed: 0 },
      ...{ decode: [{ temperature: 1, samples: 2 }], metric: () => 0, maxNewTokens: 4, alignment: 'spans' as const },
    });
    for await (const found of rows) return found;
    throw new Error('no row');
  };
  const [all, some, none] = [await row(ones), await row(short), await row({ ...ones, contextLength: 1 })];
  expect(all.unread).toBe(0);
  expect(some.unread).toBeGreaterThan(0);
  expect(some.unread).toBeLessThan(20);
  expect(Number.isFinite(some.rkl)).toBe(true);
  expect([none.unread, none.rkl]).toEqual([20, Number.NaN]);
  expect(some.meanLength).toBe(all.meanLength);
});
