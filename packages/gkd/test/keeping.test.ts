/** What is kept of a run: answers on disk that are right alone, a stopped step's work, and whose run it was. */
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { fill, keep } from '@tensorflow/tfjs-core';
import { cachedTeacher, type GkdOptions, GkdTrainer, modelTeacher, type Teacher } from '../src/index.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher } = counting();
const student = smallModel(vocabulary, 8);
const params: Params = student.init(rng(0));
const [prompts, completions] = [vocabulary.encode(['1', '23']), vocabulary.encode(['45', '678'])];
const base: GkdOptions = {
  ...{ student, params, tokenizer: vocabulary, teacher, prompts: ['1', '2', '3', '4'], divergence: 'fkl' },
  ...{ maxNewTokens: 4, batchSize: 2, learningRate: 0.01, seed: 0 },
};
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gkd-keep-'));
});
afterEach(() => rm(dir, { recursive: true }));

const full = { want: 'full' } as const;

test.each<[string, (rows: number) => unknown, string]>([
  ['NaN', (rows) => ({ full: keep(fill([rows, 12], Number.NaN)) }), 'it gives no distribution (NaN)'],
  ['too many rows', (rows) => ({ full: keep(fill([rows + 1, 12], 0)) }), 'got 6, wanted 5'],
  ['too few rows', (rows) => ({ full: keep(fill([rows - 1, 12], 0)) }), 'got 4, wanted 5'],
  ['another kind', (rows) => ({ sampled: new Float32Array(rows) }), 'another kind'],
])('a cache keeps no answer of %s', async (_, bad, message) => {
  let isBad = true;
  const once: Teacher = { ...teacher, score: async (...a) => (isBad ? (bad(5) as never) : teacher.score(...a)) };
  const cached = cachedTeacher(once, dir);
  await expect(cached.score(prompts, completions, full)).rejects.toThrow(message);
  expect(await readdir(dir)).toEqual([]);
  isBad = false;
  const answer = (await cached.score(prompts, completions, full)) as { full: { shape: number[]; dispose(): void } };
  expect(answer.full.shape).toEqual([5, 12]);
  answer.full.dispose();
});

test('a damaged file is asked for again, or told by its name where nobody can be asked', async () => {
  let asked = 0;
  const counted: Teacher = {
    ...teacher,
    score: (...a) => {
      asked++;
      return teacher.score(...a);
    },
  };
  const sampled = { want: 'sampled' } as const;
  const cached = cachedTeacher(counted, dir);
  const first = await cached.score(prompts, completions, sampled);
  const [file = ''] = await readdir(dir);
  await truncate(join(dir, file), 20);
  await expect(
    cachedTeacher(counted, dir, { offline: true }).score(prompts, completions, sampled),
  ).rejects.toMatchObject({
    ...{ code: 'ERR_CHECKPOINT', where: join(dir, file) },
  });
  expect(await cached.score(prompts, completions, sampled)).toEqual(first);
  expect(asked).toBe(2);
  expect(await cachedTeacher(counted, dir, { offline: true }).score(prompts, completions, sampled)).toEqual(first);
});

test('a cache says what it is told wrong, and whose answers it keeps', () => {
  expect(() => cachedTeacher(teacher, dir, { ofline: true } as object)).toThrow('Did you mean offline?');
  expect(() => cachedTeacher(teacher, undefined as never)).toThrow('dir is no folder');
  const self = cachedTeacher(modelTeacher(student, params, vocabulary), dir);
  expect(() => new GkdTrainer({ ...base, teacher: self })).toThrow('it is the student itself');
});

test('a teacher that heeds the signal ends the run as the signal does: what is done is saved', async () => {
  const stop = new AbortController();
  let calls = 0;
  const heeding: Teacher = {
    ...teacher,
    async score(p, c, o) {
      if (++calls === 3) {
        stop.abort();
        // as fetch does
        throw o.signal?.reason;
      }
      return teacher.score(p, c, o);
    },
  };
  const o = { ...base, teacher: heeding, out: join(dir, 'run') };
  using trainer = new GkdTrainer(o);
  await trainer.run({ steps: 5, signal: stop.signal });
  expect([trainer.stopReason, trainer.step]).toEqual(['signal', 2]);
  using again = await GkdTrainer.resume(join(dir, 'run'), { ...o, teacher });
  expect(again.step).toBe(2);
  // without the signal it is an error as any other
  const failing: Teacher = { ...teacher, score: () => Promise.reject(new DOMException('by itself', 'AbortError')) };
  using other = new GkdTrainer({ ...base, teacher: failing });
  await expect(other.run({ steps: 1 })).rejects.toThrow('by itself');
});

describe('a run is gone on with by', () => {
  const weights = student.init(rng(1));
  const model = modelTeacher(student, weights, vocabulary);
  const o: GkdOptions = { ...base, teacher: model, heldOut: ['5'], teacherPrompt: (row) => `${row}` };
  const resumed = async (more: Partial<GkdOptions>): Promise<number> => {
    using trainer = new GkdTrainer(o);
    await trainer.run({ steps: 1 });
    await trainer.save(join(dir, 'step'));
    using again = await GkdTrainer.resume(join(dir, 'step'), { ...o, ...more });
    return again.step;
  };

  test('the same rows and teachers, whatever objects hold them', async () => {
    const same = modelTeacher(student, student.init(rng(1)), vocabulary);
    expect(await resumed({ prompts: [...o.prompts], heldOut: ['5'], teacher: same })).toBe(1);
  });

  test.each<[string, Partial<GkdOptions>, string]>([
    ['prompts', { prompts: ['1', '2', '3', '5'] }, 'rows.prompts'],
    ['prompts in another order', { prompts: ['2', '1', '3', '4'] }, 'rows.prompts'],
    ['held-out rows', { heldOut: ['6'] }, 'rows.heldOut'],
    ['words to the teacher', { teacherPrompt: (row) => `${row}${row}` }, 'rows.teacherPrompt'],
    ['a teacher', { teacher: modelTeacher(student, student.init(rng(2)), vocabulary) }, 'rows.teachers'],
  ])('no other %s', async (_, more, message) => {
    await expect(resumed(more)).rejects.toThrow(message);
  });
});
