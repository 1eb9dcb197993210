/** The example of a teacher behind HTTP: it runs, and its answers are those of the teacher that is served. */
import { rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { GkdTrainer, oracleTeacher, type Teacher, type TeacherRows, type Wanted } from '../src/index.ts';
import { counting, smallModel } from './helpers.ts';

await useBackend('auto');

type Example = typeof import('../examples/remote-teacher.ts');

const printed: string[] = [];
let example: Example;
beforeAll(async () => {
  const log = console.log;
  console.log = (value) => printed.push(String(value));
  try {
    example = await import('../examples/remote-teacher.ts');
  } finally {
    console.log = log;
  }
}, 60_000);

const { vocabulary, teacher } = counting();
const prompts = vocabulary.encode(['1', '23']);
const completions = vocabulary.encode(['45', '678']);
const numbers = (rows: TeacherRows): unknown => {
  if ('topK' in rows) return rows.topK;
  if ('sampled' in rows) return rows.sampled;
  if (!('full' in rows)) throw new Error('states');
  const all = rows.full.arraySync();
  rows.full.dispose();
  return all;
};

const served = async <T>(of: Teacher, run: (remote: Teacher) => Promise<T>): Promise<T> => {
  const server = await example.serve(of);
  try {
    return await run(await example.remoteTeacher(server.url));
  } finally {
    await server.close();
  }
};

test('the example trains a student', () => {
  expect(printed).toEqual(['the loss has halved']);
});

test('answers are the same, of every kind', async () => {
  const before = memory().numTensors;
  const at = Int32Array.from({ length: 5 * 2 }, (_, i) => 2 + (i % 2));
  const kinds: Wanted[] = ['full', 'sampled', { topK: 3 }, { at, each: 2 }];
  await served(teacher, async (remote) => {
    expect([remote.tokenizerHash, remote.vocabSize]).toEqual([teacher.tokenizerHash, 12]);
    for (const want of kinds)
      expect(numbers(await remote.score(prompts, completions, { want }))).toEqual(
        numbers(await teacher.score(prompts, completions, { want })),
      );
  });
  expect(memory().numTensors).toBe(before);
});

test('a probability of 0 comes over the wire', async () => {
  const sure = oracleTeacher(() => Float64Array.of(...Array(11).fill(0), 1), vocabulary);
  const whole = await served(sure, async (remote) =>
    numbers(await remote.score(prompts, completions, { want: 'full' })),
  );
  expect((whole as number[][])[0]).toEqual([...Array(11).fill(Number.NEGATIVE_INFINITY), 0]);
});

const student = smallModel(vocabulary, 8);
const trainerOf = (of: Teacher): GkdTrainer =>
  new GkdTrainer({
    ...{ student, params: student.init(rng(0)), tokenizer: vocabulary, teacher: of, prompts: ['1'] },
    ...{ divergence: 'fkl', maxNewTokens: 4, batchSize: 2, learningRate: 0.01, seed: 0 },
  });

test('a run that is stopped does not wait for the answer, and leaves the step out', async () => {
  const stop = new AbortController();
  const slow: Teacher = {
    ...teacher,
    score: () => {
      stop.abort();
      return new Promise(() => {});
    },
  };
  await served(slow, async (remote) => {
    using trainer = trainerOf(remote);
    await trainer.run({ steps: 1, signal: stop.signal });
    expect([trainer.step, trainer.stopReason]).toEqual([0, 'signal']);
  });
});

test('what the server says of its failure is told', async () => {
  const broken: Teacher = { ...teacher, score: () => Promise.reject(new Error('out of memory')) };
  await served(broken, async (remote) => {
    using trainer = trainerOf(remote);
    await expect(trainer.run({ steps: 1 })).rejects.toThrow(/score: 500 Error: out of memory/);
  });
});
