/** A cache that is filled ahead of a training, and read where there is no model. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  cachedTeacher,
  fillTeacherCache,
  type GkdOptions,
  GkdTrainer,
  modelTeacher,
  openTeacherCache,
  type Teacher,
} from '../src/index.ts';
import { counting, letters, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary: tokenizer, right } = counting();
const large = smallModel(tokenizer, 16);
const teacher = modelTeacher(large, large.init(rng(3)), tokenizer);
const student = smallModel(tokenizer, 8);
const params: Params = student.init(rng(0));
const rows = Array.from('01234', (prompt) => ({ prompt, completion: right(prompt) }));

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gkd-cache-'));
});
afterEach(() => rm(dir, { recursive: true }));

const lossesWith = async (of: Teacher, o: Partial<GkdOptions> = {}): Promise<number[]> => {
  using trainer = new GkdTrainer({
    ...{ student, params, tokenizer, teacher: of, prompts: [], divergence: 'fkl', maxNewTokens: 5, lambda: 0 },
    ...{ offPolicy: { source: 'dataset', data: rows }, batchSize: 4, learningRate: 0.01, seed: 0, ...o },
  });
  const out: number[] = [];
  for await (const { loss } of trainer.train({ steps: 6 })) out.push(loss);
  return out;
};

test.each<[string, NonNullable<Parameters<typeof fillTeacherCache>[2]['want']>, Partial<GkdOptions>]>([
  ['whole distributions', 'full', {}],
  ['likeliest tokens', { topK: 3 }, { teacherTopK: 3 }],
])('a training on the folder alone has the losses of one with the teacher: %s', async (_, want, o) => {
  const before = memory().numTensors;
  const asked: number[] = [];
  const counted: Teacher = {
    ...teacher,
    ...{ identity: teacher.identity as string, tokenizerHash: teacher.tokenizerHash },
    score: (prompts, ...more) => {
      asked.push(prompts.lengths.length);
      return teacher.score(prompts, ...more);
    },
  };
  const cached = cachedTeacher(counted, dir);
  // four digits and the end
  expect(await fillTeacherCache(cached, rows, { tokenizer, want, batchSize: 2 })).toEqual({ rows: 5, tokens: 25 });
  expect(asked).toEqual([2, 2, 1]);
  await fillTeacherCache(cached, rows, { tokenizer, want });
  expect(asked.length).toBe(3);
  expect(memory().numTensors).toBe(before);

  const kept = await openTeacherCache(dir);
  expect([kept.identity, kept.vocabSize]).toEqual([teacher.identity, tokenizer.size]);
  const [alone, together] = [await lossesWith(kept, o), await lossesWith(teacher, o)];
  for (const [i, loss] of alone.entries()) expect(Math.abs(loss - (together[i] as number))).toBeLessThan(1e-5);
  const other = [{ prompt: '7', completion: '8' }];
  await expect(lossesWith(kept, { ...o, offPolicy: { source: 'dataset', data: other } })).rejects.toThrow(
    'is not in the cache',
  );
});

test('as the teacher reads the prompts in other words', async () => {
  const teacherPrompt = (row: string | { prompt: string }): string => `9${typeof row === 'string' ? row : row.prompt}`;
  await fillTeacherCache(cachedTeacher(teacher, dir), rows, { tokenizer, teacherPrompt });
  const kept = await openTeacherCache(dir);
  expect(await lossesWith(kept, { teacherPrompt })).toEqual(
    (await lossesWith(teacher, { teacherPrompt })).map((loss) => expect.closeTo(loss, 5)),
  );
  await expect(lossesWith(kept)).rejects.toThrow('is not in the cache');
});

test('it stops between two batches, and goes on where it was', async () => {
  const stop = new AbortController();
  let calls = 0;
  const { teacher: oracle } = counting();
  const slow = cachedTeacher(
    {
      ...oracle,
      score: (...asked) => {
        if (calls++ === 0) stop.abort();
        return oracle.score(...asked);
      },
    },
    dir,
  );
  const how = { tokenizer, batchSize: 2 };
  await expect(fillTeacherCache(slow, rows, { ...how, signal: stop.signal })).rejects.toThrow('2 rows kept');
  expect((await readdir(dir)).filter((file) => file.endsWith('.safetensors')).length).toBe(2);
  await fillTeacherCache(slow, rows, how);
  expect(calls).toBe(3); // of five rows two were there
});

test('a folder says which teachers it has answers of', async () => {
  await expect(openTeacherCache(join(dir, 'nowhere'))).rejects.toThrow('no teacher’s answers are kept here');
  for (const sure of [0.8, 0.9])
    await fillTeacherCache(cachedTeacher(counting(sure).teacher, dir), rows, { tokenizer, want: 'sampled' });
  await expect(openTeacherCache(dir)).rejects.toThrow(/answers of several.*wanted one of counting 0.[89], counting 0/);
  expect((await openTeacherCache(dir, { identity: 'counting 0.8' })).identity).toBe('counting 0.8');
  await expect(openTeacherCache(dir, { identity: 'counting' })).rejects.toThrow('answers of another teacher');
  await expect(openTeacherCache(dir, { identity: 'counting 0.8', vocabulary: letters('9876543210') })).rejects.toThrow(
    'another tokenizer',
  );
  const damaged = join(dir, 'damaged');
  await mkdir(damaged);
  for (const text of ['{"identity": 1}', '{', 'null']) {
    await writeFile(join(damaged, 'teacher-0.json'), text);
    await expect(openTeacherCache(damaged)).rejects.toThrow('does not say which teacher');
  }
});

test('rows of another tokenizer are refused', async () => {
  const others = letters('9876543210');
  await expect(fillTeacherCache(cachedTeacher(teacher, dir), rows, { tokenizer: others })).rejects.toThrow(
    'the teacher has another tokenizer',
  );
});
