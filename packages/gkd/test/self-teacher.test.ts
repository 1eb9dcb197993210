/** A student that is its own teacher, as an average of its weights, and with a prompt that tells it more. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flatten, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { type GkdOptions, type GkdStep, GkdTrainer } from '../src/index.ts';
import { SelfTeacher } from '../src/training/self-teacher.ts';
import { counting, relativeError, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher, right } = counting(0.9);
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const prompts = Array.from('0123456789');
const data = prompts.map((prompt) => ({ prompt, completion: right(prompt) }));
const options = (o: Partial<GkdOptions> = {}): GkdOptions => ({
  ...{ student, params, tokenizer: vocabulary, prompts, divergence: 'fkl', maxNewTokens: 5 },
  ...{ batchSize: 8, learningRate: 0.01, seed: 1, selfTeacher: { decay: 0.9 }, ...o },
});
const numbers = (tree: Params): number[] => flatten(tree).flatMap(([, t]) => [...t.dataSync<'float32'>()]);
const losses = async (trainer: GkdTrainer, steps: number): Promise<number[]> => {
  const out: number[] = [];
  for await (const { loss } of trainer.train({ steps })) out.push(loss);
  return out;
};

test('the average of weights, by hand, without touching the start', () => {
  const start = numbers(params);
  const other = student.init(rng(5));
  const self = new SelfTeacher(student, params, vocabulary, { decay: 0.75 });
  self.follow(other);
  const b = numbers(other);
  const wanted = start.map((x, i) => 0.75 * x + 0.25 * (b[i] as number));
  expect(relativeError(numbers(self.params), wanted)).toBeLessThan(1e-6);
  expect(numbers(params)).toEqual(start);
  self.dispose();
});

test('at first there is nothing to learn from it; what the data teach it learns slowly', async () => {
  using trainer = new GkdTrainer(options({ auxiliary: { data, weight: 1 }, divergence: 'rkl' }));
  const steps: GkdStep[] = [];
  for await (const step of trainer.train({ steps: 30 })) steps.push(step);
  expect(Math.abs(steps[0]?.divergence as number)).toBeLessThan(1e-6);
  expect(steps.at(-1)?.divergence).toBeGreaterThan(0.001);
  expect(steps.at(-1)?.auxiliaryLoss).toBeLessThan(steps[0]?.auxiliaryLoss as number);
});

test('with the answer in its prompt it teaches the student without it', async () => {
  // what it is like to know the answer: trained on prompts that hold it
  const answers = prompts.map((prompt) => ({ prompt: `${right(prompt)}${prompt}`, completion: right(prompt) }));
  using knowing = new GkdTrainer(
    options({
      ...{ divergence: 'nll', lambda: 0, offPolicy: { source: 'dataset', data: answers }, batchSize: 20 },
      ...{ selfTeacher: undefined as never, teacher, learningRate: 0.03, prompts: answers },
    }),
  );
  await knowing.run({ steps: 150 });
  using trainer = new GkdTrainer(
    options({
      ...{ params: knowing.params, selfTeacher: { decay: 1 }, learningRate: 0.02, batchSize: 20 },
      teacherPrompt: (p) => `${right(p as string)}${p}`,
    }),
  );
  const all = await losses(trainer, 80);
  expect(all.at(-1)).toBeLessThan(0.5 * (all[0] as number));
});

test.each([undefined, { rank: 2 }])('a resumed run goes on with its average; lora %j', async (lora) => {
  const dir = await mkdtemp(join(tmpdir(), 'gkd-self-'));
  const before = memory().numTensors;
  const o = options({ ...(lora && { lora }), auxiliary: { data, weight: 1 }, learningRate: 0.02 });
  try {
    {
      using whole = new GkdTrainer(o);
      const all = await losses(whole, 8);
      using first = new GkdTrainer(o);
      await losses(first, 3);
      await first.save(join(dir, 'step-3'));
      using second = await GkdTrainer.resume(join(dir, 'step-3'), o);
      expect(await losses(second, 8)).toEqual(all.slice(3));
      await expect(GkdTrainer.resume(join(dir, 'step-3'), { ...o, selfTeacher: { decay: 0.5 } })).rejects.toThrow(
        /selfTeacher/,
      );
    }
    expect(memory().numTensors).toBe(before);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test.each<[string, Partial<GkdOptions>, string]>([
  ['a decay beyond 1', { selfTeacher: { decay: 1.1 } }, 'selfTeacher.decay'],
  ['a misspelt option', { selfTeacher: { decai: 1 } as never }, 'Did you mean decay?'],
  ['two teachers', { teacher }, 'teacher: the student is its own teacher'],
  ['another tokenizer', { alignment: 'uld', divergence: 'uld' }, 'alignment: the student is its own teacher'],
])('refuses %s', (_, o, message) => {
  expect(() => new GkdTrainer(options(o))).toThrow(message);
});
