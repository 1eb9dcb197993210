/** Cases that peers got wrong, and stops in the middle of a step (gkd.md §6, §7; the table of cases). */
import { decoder } from '@gimbal/language-models';
import { flatten, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { type GkdOptions, type GkdStep, GkdTrainer, modelTeacher, type Teacher } from '../src/index.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher, right } = counting(0.9);
const student = smallModel(vocabulary, 8);
const start: Params = student.init(rng(0));
const prompts = Array.from('0123456789');
const data = prompts.map((prompt) => ({ prompt, completion: right(prompt) }));
const options = (o: Partial<GkdOptions> = {}): GkdOptions => ({
  ...{ student, params: start, tokenizer: vocabulary, teacher, prompts, divergence: 'fkl', maxNewTokens: 5 },
  ...{ batchSize: 4, learningRate: 0.01, seed: 1, ...o },
});
const stepsOf = async (o: Partial<GkdOptions>, steps: number): Promise<GkdStep[]> => {
  using trainer = new GkdTrainer(options(o));
  const out: GkdStep[] = [];
  for await (const step of trainer.train({ steps })) out.push(step);
  return out;
};
const numbers = (params: Params): number[] => flatten(params).flatMap(([, t]) => [...t.dataSync()]);
const model = (o: { eosIds: number[]; padId: number }): typeof student =>
  decoder({ family: 'llama', vocabularySize: 12, width: 8, layers: 1, heads: 2, contextLength: 16, ...o });

test.each<[string, Partial<GkdOptions>]>([
  ['its own completions', {}],
  ['those of the data', { lambda: 0, offPolicy: { source: 'dataset', data } }],
  ['fine-tuning', { lambda: 0, divergence: 'nll', offPolicy: { source: 'dataset', data } }],
])('where the end fills up, too, it is learned as where another token does: %s', async (_, o) => {
  const ends = { ...vocabulary, special: { eos: 1, pad: 1 } };
  const same = model({ eosIds: [1], padId: 1 });
  const [apart, one] = [await stepsOf(o, 5), await stepsOf({ ...o, student: same, tokenizer: ends }, 5)];
  for (const name of ['loss', 'eosRate', 'meanLength', 'tokens'] as const)
    expect(one.map((step) => step[name])).toEqual(apart.map((step) => expect.closeTo(step[name], 5)));
});

test('a student with several ends stops at each, and the end counts', async () => {
  const several = model({ eosIds: [1, 9, 10, 11], padId: 0 }); // the digits 7, 8 and 9 end it as well
  const [step] = await stepsOf({ student: several, params: several.init(rng(3)) }, 1);
  const texts = (step as GkdStep).samples.map(({ completion }) => completion);
  for (const text of texts) expect(text.slice(0, -1)).not.toMatch(/[789]/);
  const byDigit = texts.map((text) => /[789]$/.test(text));
  expect(byDigit).toContain(true);
  const byEnd = texts.map((text, i) => !byDigit[i] && text.length < 5);
  const ended = texts.filter((_, i) => byDigit[i] || byEnd[i]).length;
  expect(step?.eosRate).toBeCloseTo(ended / 4, 6);
  // the digit that ends it is a token as any other; the end itself has no text
  const lengths = texts.map((text, i) => text.length + Number(byEnd[i]));
  expect(step?.meanLength).toBeCloseTo(lengths.reduce((a, b) => a + b) / 4, 5);
});

test('a λ that leaves [0, 1] in the middle of a run is refused there, and what was trained stays', async () => {
  const leaving = { lambda: (step: number) => 0.5 + 0.2 * step, offPolicy: { source: 'dataset', data } } as const;
  using trainer = new GkdTrainer(options(leaving));
  await expect(trainer.run({ steps: 6 })).rejects.toThrow(/lambda, the schedule’s value at step 3: .*got 1\.1/);
  expect(trainer.step).toBe(3);
  expect(numbers(trainer.params).every(Number.isFinite)).toBe(true);
});

test.each<[string, (stop: AbortController, at: number) => Partial<GkdOptions>]>([
  [
    'is sampled',
    (stop, at) => {
      let calls = 0;
      const sample: typeof student.sample = (...a) => {
        if (calls++ === at) stop.abort();
        return student.sample(...a);
      };
      return { student: { ...student, sample } };
    },
  ],
  [
    'is scored',
    (stop, at) => {
      let calls = 0;
      const score: Teacher['score'] = (p, c, o) => {
        if (calls++ !== at) return teacher.score(p, c, o);
        stop.abort();
        return Promise.reject(o.signal?.reason);
      };
      return { teacher: { ...teacher, score } };
    },
  ],
])('stopped while a step %s, it leaves that step out whole and goes on as if it had not been', async (_, stopped) => {
  const whole = (await stepsOf({}, 5)).map(({ loss }) => loss);
  const stop = new AbortController();
  using trainer = new GkdTrainer(options(stopped(stop, 2)));
  const got: number[] = [];
  for await (const { loss } of trainer.train({ steps: 5, signal: stop.signal })) got.push(loss);
  expect([trainer.step, trainer.stopReason]).toEqual([2, 'signal']);
  for await (const { loss } of trainer.train({ steps: 5 })) got.push(loss);
  expect(got).toEqual(whole);
});

test('a step with β 1 moves the student as the reverse KL does', async () => {
  const after = async (divergence: GkdOptions['divergence']): Promise<number[]> => {
    using trainer = new GkdTrainer(options({ divergence, optimizer: { name: 'sgd' } }));
    await trainer.run({ steps: 1 });
    return numbers(trainer.params);
  };
  const [end, reverse] = [await after({ kind: 'jsd', beta: 1 }), await after('rkl')];
  expect(end).toEqual(reverse);
  expect(end).not.toEqual(numbers(start));
});

test('a teacher whose weights are variables keeps them, and the student learns as from constants', async () => {
  const large = smallModel(vocabulary, 12);
  const weights = large.init(rng(4));
  const fixed = modelTeacher(large, weights, vocabulary);
  const before = numbers(weights);
  // those of another trainer, which are variables
  using other = new GkdTrainer(options({ student: large, params: weights, learningRate: 0 }));
  const free = modelTeacher(large, other.params, vocabulary);
  const [a, b] = [await stepsOf({ teacher: fixed }, 3), await stepsOf({ teacher: free }, 3)];
  expect(b.map(({ loss, gradNorm }) => [loss, gradNorm])).toEqual(a.map(({ loss, gradNorm }) => [loss, gradNorm]));
  expect(numbers(other.params)).toEqual(before);
});
