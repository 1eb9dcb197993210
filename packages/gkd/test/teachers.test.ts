/** Teachers: a program, a model, a memory on disk; a vocabulary's hash; the evaluation that compares students. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory, type Tensor2D } from '@tensorflow/tfjs-core';
import {
  cachedTeacher,
  evaluateDistillation,
  type GkdOptions,
  GkdTrainer,
  modelTeacher,
  oracleTeacher,
  type Teacher,
  type TeacherRows,
  tokenizerHash,
  type Vocabulary,
} from '../src/index.ts';
import { teacherLogits } from '../src/rows/teacher-logits.ts';
import { sharedSpans } from '../src/teachers/align-spans.ts';
import { counting, letters, relativeError, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher, right } = counting(0.9);
const model = smallModel(vocabulary, 8);
const params: Params = model.init(rng(3));
const prompts = vocabulary.encode(['1', '23']);
const completions = vocabulary.encode(['45', '678']);

const full = (rows: TeacherRows): number[] => {
  if (!('full' in rows || 'hidden' in rows)) throw new Error('not dense');
  return [...teacherLogits(rows, 0, 5).dataSync()];
};

test('a model says of each token what its own logits say, padding left out', async () => {
  const t = modelTeacher(model, params, vocabulary);
  const z = model.logits(params, prompts, completions);
  const all = z.dataSync();
  const V = vocabulary.size;
  // two tokens of the first completion, three of the second
  const wanted = [0, 1, 3, 4, 5].flatMap((i) => [...all.subarray(i * V, (i + 1) * V)]);
  expect(relativeError(full(await t.score(prompts, completions, { want: 'full' })), wanted)).toBeLessThan(1e-5);
  const sampled = await t.score(prompts, completions, { want: 'sampled' });
  const own = model.logProbs(params, prompts, completions).dataSync();
  expect('sampled' in sampled && [...sampled.sampled]).toEqual([0, 1, 3, 4, 5].map((i) => own[i]));
});

test('an oracle is asked for each prefix, and writes what it says', async () => {
  const asked: number[][] = [];
  const oracle = oracleTeacher((prefix, promptLength) => {
    asked.push([...prefix.subarray(0, prefix.length), promptLength]);
    return new Float64Array(vocabulary.size).fill(1 / vocabulary.size);
  }, vocabulary);
  await oracle.score(prompts, completions, { want: 'full' });
  expect(asked).toEqual([
    [3, 1],
    [3, 6, 1],
    [4, 5, 2],
    [4, 5, 8, 2],
    [4, 5, 8, 9, 2],
  ]);
  const sure = counting(1 - 1e-9);
  const out = await sure.teacher.sample?.(vocabulary.encode(['3', '8']), { maxNewTokens: 5, rng: rng(0) });
  expect(vocabulary.decode(out as never)).toEqual(['4567', '9012']);
  expect([...(out?.ended ?? [])]).toEqual([1, 1]);
});

test.each<[string, () => Float64Array]>([
  ['a wrong length', () => Float64Array.of(1)],
  ['a sum of 2', () => new Float64Array(vocabulary.size).fill(2 / vocabulary.size)],
  ['NaN', () => new Float64Array(vocabulary.size).fill(Number.NaN)],
])('an oracle that gives %s is refused', async (_, next) => {
  await expect(oracleTeacher(next, vocabulary).score(prompts, completions, { want: 'full' })).rejects.toThrow(
    'no distribution',
  );
});

test.each(['full', { topK: 3 }, 'sampled'] as const)('answers come back from the disk: %j', async (want) => {
  const dir = await mkdtemp(join(tmpdir(), 'gkd-cache-'));
  let calls = 0;
  const counted: Teacher = {
    ...teacher,
    score: (...a) => {
      calls++;
      return teacher.score(...a);
    },
  };
  try {
    const before = memory().numTensors;
    const cached = cachedTeacher(counted, join(dir, 'answers'));
    const plain = (r: TeacherRows): unknown =>
      'topK' in r
        ? r.topK
        : 'sampled' in r
          ? r.sampled
          : [...(r as { full: Tensor2D }).full.dataSync()].map((x) => x.toFixed(5));
    const fresh = plain(await cached.score(prompts, completions, { want }));
    const again = plain(await cached.score(prompts, completions, { want }));
    expect(again).toEqual(fresh);
    expect(calls).toBe(1);
    // another completion is asked for alone; another teacher for all
    await cached.score(prompts, vocabulary.encode(['45', '679']), { want });
    expect(calls).toBe(2);
    await cachedTeacher({ ...counted, identity: 'another' }, join(dir, 'answers')).score(prompts, completions, {
      want,
    });
    expect(calls).toBe(3);
    const files = await readdir(join(dir, 'answers'));
    expect(files.filter((file) => file.endsWith('.safetensors')).length).toBe(5);
    expect(files.filter((file) => file.endsWith('.json')).length).toBe(2); // one says which teacher it is
    if (want !== 'full') expect(memory().numTensors).toBe(before);
    const offline = cachedTeacher(counted, join(dir, 'answers'), { offline: true });
    await expect(offline.score(prompts, vocabulary.encode(['1', '1']), { want })).rejects.toThrow('not in the cache');
    // a damaged file is refused, not taken for an answer
    const [file] = await readdir(join(dir, 'answers'));
    await writeFile(join(dir, 'answers', file as string), 'x');
    const all = async (): Promise<unknown> => {
      for (const t of [counted, { ...counted, identity: 'another' }]) {
        const c = cachedTeacher(t, join(dir, 'answers'), { offline: true });
        await c.score(prompts, completions, { want });
        await c.score(prompts, vocabulary.encode(['45', '679']), { want });
      }
      return undefined;
    };
    await expect(all()).rejects.toMatchObject({ code: expect.stringMatching(/ERR_CHECKPOINT|ERR_DATA/) });
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a model’s answers are named after its weights and its precision', () => {
  const identity = (of: Params, precision: 'float32' | 'bf16'): string | undefined =>
    modelTeacher(model, of, vocabulary, { precision }).identity;
  const names = [identity(params, 'float32'), identity(params, 'bf16'), identity(model.init(rng(4)), 'float32')];
  expect(new Set(names).size).toBe(3);
  expect(identity(params, 'float32')).toBe(names[0]);
});

test('vocabularies are told apart by their tokens, their end and their normaliser', () => {
  const hashes = [
    letters('ab'),
    letters('ba'),
    letters('abc'),
    { ...letters('ab'), special: { eos: 0 } },
    { ...letters('ab'), json: { normalizer: { type: 'NFC' } } },
  ].map((t) => tokenizerHash(t));
  expect(new Set(hashes).size).toBe(5);
  expect(tokenizerHash(letters('ab'))).toBe(hashes[0]);
});

test('students are compared on the same prompts with the same numbers', async () => {
  const rows = [];
  const run = evaluateDistillation({
    models: {
      start: { policy: model, params },
      copy: { policy: model, params },
      other: { policy: model, params: model.init(rng(9)) },
    },
    ...{ tokenizer: vocabulary, teacher, prompts: ['1', '4', '7'], seed: 0, maxNewTokens: 5 },
    decode: ['greedy', { temperature: 1, samples: 4 }],
    metric: (prompt, completion) => Number(completion === right(prompt)),
  });
  for await (const row of run) rows.push(row);
  expect(rows.map((r) => `${r.model} ${r.decoding}`)).toEqual(
    ['start', 'copy', 'other']
      .flatMap((m) => [`${m} greedy`])
      .concat(['start', 'copy', 'other'].map((m) => `${m} temperature 1`)),
  );
  const [start, copy] = rows.slice(3);
  expect(copy?.difference).toEqual({ estimate: 0, low: 0, high: 0 });
  expect(start?.rkl).toBe(copy?.rkl);
  expect(start?.rkl).toBeGreaterThan(0);
  expect(start?.acceptance).toBeGreaterThan(0);
  expect(start?.acceptance).toBeLessThan(1);
  expect(start?.rklByPosition.length).toBeLessThanOrEqual(5);
  expect(start?.selfBleu).toBeGreaterThanOrEqual(0);
  await expect(
    evaluateDistillation({
      ...{ models: {}, tokenizer: vocabulary, teacher, prompts: ['1'], seed: 0 },
      decode: ['greedy'],
      metric: () => 0,
    }).next(),
  ).rejects.toThrow('there are no models');
  const others = letters('0123456798');
  await expect(
    evaluateDistillation({
      ...{ models: { start: { policy: model, params } }, tokenizer: others, teacher, prompts: ['1'], seed: 0 },
      decode: ['greedy'],
      metric: () => 0,
    }).next(),
  ).rejects.toThrow('token 10 is "9" to the student');
});

test('stretches of text that two tokenizers share, by hand', () => {
  // ab|c|d|end and a|bc|d|end meet at 0, 3, 4 and the end
  const { a, b } = sharedSpans([2, 3, 4, 5], [1, 3, 4, 5]);
  expect([...a]).toEqual([0, 0, 1, 2]);
  expect([...b]).toEqual([0, 0, 1, 2]);
});

test('a teacher of other tokens: equal tokenizers give the plain sampled reverse KL', async () => {
  const pairs = (): Vocabulary => {
    const tokens = ['·', '.', ...'0123456789', '12', '34'];
    const encodeText = (text: string): number[] => (text.match(/12|34|·|\d/g) ?? []).map((t) => tokens.indexOf(t));
    return {
      ...{ size: tokens.length, special: { eos: 1, pad: 0 }, token: (id: number) => tokens[id], encodeText },
      encode: () => prompts,
      decode: (batch) =>
        Array.from(batch.lengths, (n, r) =>
          [...batch.ids.subarray(r * batch.width, r * batch.width + n)]
            .map((id) => (id === 1 ? '' : tokens[id]))
            .join(''),
        ),
    };
  };
  const options = {
    student: model,
    params,
    tokenizer: vocabulary,
    prompts: ['1', '4'],
    divergence: 'sampled-rkl',
    maxNewTokens: 5,
    batchSize: 8,
    learningRate: 0.01,
    seed: 2,
  } as const;
  const run = async (o: Partial<GkdOptions>): Promise<number> => {
    using trainer = new GkdTrainer({ ...options, ...o });
    return (await trainer.run({ steps: 3 }))?.loss as number;
  };
  const same = modelTeacher(model, model.init(rng(8)), vocabulary);
  expect(Math.abs((await run({ teacher: same, alignment: 'spans' })) - (await run({ teacher: same })))).toBeLessThan(
    1e-5,
  );
  const wide = smallModel(pairs(), 8);
  const other = modelTeacher(wide, wide.init(rng(4)), pairs());
  expect(Number.isFinite(await run({ teacher: other, alignment: 'spans' }))).toBe(true);
  expect(() => new GkdTrainer({ ...options, teacher: other, alignment: 'spans', divergence: 'fkl' })).toThrow(
    "wanted divergence 'sampled-rkl'",
  );
  expect(() => new GkdTrainer({ ...options, teacher: other })).toThrow('vocabularies of different sizes');
});
