/** A run can be repeated, resumed, stopped and split, and frees what it uses; what else the trainer can be given. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { padBatch, seq2seq } from '@gimbal/language-models';
import { flatten, type Params, readMetrics, rng, useBackend } from '@gimbal/tensor-core';
import { memory, reshape, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import {
  evaluateDistillation,
  type GkdOptions,
  type GkdStep,
  GkdTrainer,
  modelTeacher,
  presets,
  tokenDivergence,
} from '../src/index.ts';
import { mixWeightsOf } from '../src/training/mix-weights.ts';
import { counting, relativeError, smallModel } from './helpers.ts';

await useBackend('auto');

const { vocabulary, teacher, right } = counting(0.9);
const student = smallModel(vocabulary, 8);
const start: Params = student.init(rng(0));
const prompts = Array.from('0123456789');
const data = prompts.map((prompt) => ({ prompt, completion: right(prompt) }));

const options = (o: Partial<GkdOptions> = {}): GkdOptions => ({
  ...{ student, params: start, tokenizer: vocabulary, teacher, prompts, divergence: { kind: 'jsd', beta: 0.5 } },
  ...{ maxNewTokens: 5, batchSize: 8, learningRate: 0.01, seed: 1, ...o },
});

async function losses(trainer: GkdTrainer, steps: number): Promise<number[]> {
  const out: number[] = [];
  for await (const { loss } of trainer.train({ steps })) out.push(loss);
  return out;
}
const mixed: Partial<GkdOptions> = {
  ...{ lambda: (step) => Math.min(1, step / 5), mixing: 'sequence', offPolicy: { source: 'dataset', data } },
};
const numbers = (params: Params): number[] => flatten(params).flatMap(([, t]) => [...t.dataSync()]);

test('the same seed gives the same numbers, another seed others', async () => {
  const run = async (seed: number): Promise<number[]> => {
    using trainer = new GkdTrainer(options({ ...mixed, seed }));
    return await losses(trainer, 6);
  };
  const first = await run(1);
  expect(await run(1)).toEqual(first);
  expect(await run(2)).not.toEqual(first);
});

test('a resumed run has the next losses of the uninterrupted one', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gkd-'));
  const o = options({ ...mixed, auxiliary: { data, weight: 0.3 } });
  try {
    using whole = new GkdTrainer(o);
    const all = await losses(whole, 26);
    using first = new GkdTrainer(o);
    await losses(first, 6);
    await first.save(join(dir, 'step-6'));
    using second = await GkdTrainer.resume(join(dir, 'step-6'), o);
    expect(second.step).toBe(6);
    expect(await losses(second, 26)).toEqual(all.slice(6));
    await expect(GkdTrainer.resume(join(dir, 'step-6'), { ...o, divergence: 'fkl' })).rejects.toThrow(/divergence/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test.each(['sequence', 'token'] as const)('8 × 1 accumulated is 1 × 8, by %s', async (reduction) => {
  const run = async (batchSize: number, accumulate: number): Promise<[GkdStep, number[]]> => {
    using trainer = new GkdTrainer(options({ batchSize, accumulate, reduction, optimizer: { name: 'sgd' } }));
    return [(await trainer.run({ steps: 3 })) as GkdStep, numbers(trainer.params)];
  };
  const [[one, a], [eight, b]] = [await run(8, 1), await run(1, 8)];
  for (const name of ['loss', 'fkl', 'rkl', 'acceptance', 'teacherLogProb', 'meanLength', 'eosRate'] as const)
    expect(Math.abs((one[name] as number) - (eight[name] as number))).toBeLessThan(1e-4);
  expect(relativeError(b, a)).toBeLessThan(1e-4);
});

test('a signal stops it between two steps, and training goes on as if it had not', async () => {
  using whole = new GkdTrainer(options());
  const all = await losses(whole, 6);
  using trainer = new GkdTrainer(options());
  const stop = new AbortController();
  const got: number[] = [];
  for await (const { loss, step } of trainer.train({ steps: 6, signal: stop.signal })) {
    got.push(loss);
    if (step === 2) stop.abort();
  }
  expect(trainer.stopReason).toBe('signal');
  got.push(...(await losses(trainer, 6)));
  expect(got).toEqual(all);
});

test('tensors and bytes stay as many as they are over a thousand steps', async () => {
  const small = { batchSize: 2, auxiliary: { data, weight: 0.1 }, logEvery: 10 };
  using trainer = new GkdTrainer(options({ ...mixed, ...small }));
  await trainer.run({ steps: 20 });
  const before = memory();
  await trainer.run({ steps: 1020 });
  expect(memory().numTensors).toBe(before.numTensors);
  // the samples of a step are a little longer or shorter; nothing grows
  expect(Math.abs(memory().numBytes - before.numBytes)).toBeLessThan(20_000);
}, 60_000);

test('everything is freed', async () => {
  const before = memory().numTensors;
  const trainer = new GkdTrainer(options({ lora: { rank: 2 } }));
  await trainer.run({ steps: 2 });
  trainer.dispose();
  trainer.dispose();
  expect(memory().numTensors).toBe(before);
});

test('λ 0 never lets the student write, λ 1 always; a coin for a whole step writes all or none', async () => {
  const sources = async (o: Partial<GkdOptions>): Promise<Set<string>> => {
    using trainer = new GkdTrainer(options({ offPolicy: { source: 'dataset', data }, ...o }));
    const out = new Set<string>();
    for await (const { source } of trainer.train({ steps: 12 })) out.add(source);
    return out;
  };
  expect(await sources({ lambda: 0 })).toEqual(new Set(['dataset']));
  expect(await sources({ lambda: 1 })).toEqual(new Set(['student']));
  expect(await sources({ lambda: 0.5 })).toEqual(new Set(['dataset', 'student']));
  expect((await sources({ lambda: 0.5, mixing: 'sequence' })).has('mixed')).toBe(true);
});

test('an adapter is trained, and the student stays as it is', async () => {
  const before = numbers(start);
  using trainer = new GkdTrainer(
    options({ lora: { rank: 4 }, learningRate: 0.03, lambda: 0, offPolicy: { source: 'dataset', data } }),
  );
  const all = await losses(trainer, 100);
  expect(all.at(-1)).toBeLessThan((all[0] as number) * 0.98);
  expect(numbers(start)).toEqual(before);
  expect(trainer.adapter?.config.rank).toBe(4);
  expect(
    (await trainer.policy.sample(trainer.params, vocabulary.encode(['3']), { maxNewTokens: 2, rng: rng(0) })).width,
  ).toBeGreaterThan(0);
});

describe('an encoder-decoder', () => {
  const model = seq2seq({
    ...{ vocabularySize: vocabulary.size, width: 16, layers: 1, decoderLayers: 1, heads: 2, startId: 0 },
    ...{ eosIds: [1], padId: 0, contextLength: 16 },
  });
  const [big, small] = [model.init(rng(1)), model.init(rng(2))];
  const pair = { student: model, params: small, teacher: modelTeacher(model, big, vocabulary) };

  test('learns from one, whole or by an adapter beside it', async () => {
    using trainer = new GkdTrainer(options({ ...pair, divergence: 'fkl' }));
    const all = await losses(trainer, 80);
    expect(all.at(-1)).toBeLessThan((all[0] as number) * 0.7);
    const before = numbers(small);
    using adapted = new GkdTrainer(options({ ...pair, divergence: 'fkl', lora: { rank: 4 }, learningRate: 0.03 }));
    const beside = await losses(adapted, 40);
    expect(beside.at(-1)).toBeLessThan((beside[0] as number) * 0.9);
    expect(numbers(small)).toEqual(before);
    expect(adapted.policy).toMatchObject({ readsWholePrompts: true });
  });

  test('reads whole prompts in training and where it is compared', async () => {
    const framed: string[] = [];
    const whole = {
      ...vocabulary,
      encodeText(text: string, o: { specialTokens?: boolean } = {}) {
        if (o.specialTokens) framed.push(text);
        const { ids, lengths } = vocabulary.encode([text]);
        return [...ids.subarray(0, lengths[0]), ...(o.specialTokens ? [1] : [])];
      },
    };
    const teacher = modelTeacher(model, big, whole);
    new GkdTrainer(options({ ...pair, teacher, tokenizer: whole, prompts: ['3'] }))[Symbol.dispose]();
    const models = { student: { policy: model, params: small } };
    const request = { ...{ models, tokenizer: whole, teacher, prompts: ['4', '7'], seed: 0, maxNewTokens: 3 } };
    await evaluateDistillation({ ...request, decode: ['greedy'], metric: () => 0 }).next();
    expect(framed).toEqual(['3', '4', '7']);
  });

  test('is no teacher of a decoder', () => {
    expect(() => new GkdTrainer(options({ teacher: pair.teacher }))).toThrow(
      /an encoder-decoder reads a prompt with other tokens.*wanted teacher and student of one kind/,
    );
  });
});

test('a reward pulls where the teacher does not: the more, the smaller α', async () => {
  const share = async (alpha: number): Promise<number> => {
    const sevens = (_: readonly string[], texts: readonly string[]): number[] =>
      texts.map((t) => [...t].filter((c) => c === '7').length / 5);
    using trainer = new GkdTrainer(
      options({
        reward: { fn: sevens, alpha, samplesPerPrompt: 4 },
        batchSize: 32,
        divergence: 'rkl',
        learningRate: 0.02,
      }),
    );
    let reward = 0;
    for await (const s of trainer.train({ steps: 80 })) if (s.step > 70) reward += (s.reward as number) / 10;
    return reward;
  };
  const [free, bound] = [await share(0), await share(1)];
  expect(free).toBeGreaterThan(0.6);
  expect(bound).toBeLessThan(0.3);
});

test('what a step tells in numbers stands in the log', async () => {
  const out = await mkdtemp(join(tmpdir(), 'gkd-'));
  try {
    const reward = { fn: (_: readonly string[], texts: readonly string[]) => texts.map((t) => t.length), alpha: 0.5 };
    using trainer = new GkdTrainer(
      options({ ...mixed, accumulate: 2, out, reward: { ...reward, samplesPerPrompt: 2 }, lambda: 0.5 }),
    );
    const told: GkdStep[] = [];
    for await (const step of trainer.train({ steps: 4 })) told.push(step);
    const logged = await readMetrics(out);
    expect(logged.length).toBe(4);
    for (const name of ['reward', 'lambda', 'studentShare', 'tokens', 'loss', 'meanLength'])
      expect(logged.map((row) => row[name])).toEqual(
        told.map((step) => (step[name] === undefined ? undefined : expect.closeTo(step[name] as number, 5))),
      );
    expect(told.some(({ reward: r }) => r !== undefined)).toBe(true);
  } finally {
    await rm(out, { recursive: true });
  }
});

test('rows are scored by the teacher they name', async () => {
  const down = counting(0.9);
  const asked: Record<string, string[]> = { up: [], down: [] };
  const watched = (name: string): typeof teacher => ({
    ...teacher,
    score: (p, c, w) => {
      asked[name]?.push(...vocabulary.decode(p));
      return down.teacher.score(p, c, w);
    },
  });
  using trainer = new GkdTrainer(
    options({
      teacher: { up: watched('up'), down: watched('down') },
      prompts: prompts.map((prompt) => ({ prompt, teacher: Number(prompt) % 2 ? 'down' : 'up' })),
    }),
  );
  const step = await trainer.run({ steps: 3 });
  expect(new Set(asked.up)).toEqual(new Set([...(asked.up ?? [])].filter((x) => Number(x) % 2 === 0)));
  expect(asked.down?.every((x) => Number(x) % 2 === 1)).toBe(true);
  expect(step?.fkl).toBeGreaterThan(0);
});

test('a teacher may read the prompt in other words', async () => {
  const seen = new Set<number>();
  using trainer = new GkdTrainer(
    options({
      teacher: {
        ...teacher,
        score: (p, c, w) => {
          for (const n of p.lengths) seen.add(n);
          return teacher.score(p, c, w);
        },
      },
      teacherPrompt: (p) => `0${typeof p === 'string' ? p : p.prompt}`,
    }),
  );
  await trainer.run({ steps: 1 });
  expect([...seen]).toEqual([2]);
});

test('presets fill in what is not given', () => {
  expect(presets.gkd({ divergence: 'rkl' })).toEqual({ divergence: 'rkl', lambda: 1 });
  expect(presets.seqkd({})).toEqual({ divergence: 'nll', lambda: 0, offPolicy: { source: 'teacher' } });
  expect(presets['f-distill']({ lambda: 0.3 })).toMatchObject({ divergence: 'tvd', lambda: 0.3 });
});

test('the teacher mixed into sampling: with all but a little of it, completions are the teacher’s', async () => {
  const sure = smallModel(vocabulary, 16);
  const taught = sure.init(rng(4));
  using warm = new GkdTrainer(
    options({ student: sure, params: taught, divergence: 'nll', lambda: 0, offPolicy: { source: 'dataset', data } }),
  );
  await warm.run({ steps: 150 });
  using trainer = new GkdTrainer(options({ teacher: modelTeacher(sure, warm.params, vocabulary), teacherMix: 0.999 }));
  const step = await trainer.run({ steps: 1 });
  expect(step?.offPolicySampling).toBe(true);
  expect(step?.teacherLogProb).toBeGreaterThan(-0.3);
  using alone = new GkdTrainer(options({ teacher: modelTeacher(sure, warm.params, vocabulary) }));
  expect((await alone.run({ steps: 1 }))?.teacherLogProb).toBeLessThan(-1);
  // weighed: the loss of the completions that were written, by hand
  for (const kind of ['token', 'exact'] as const) {
    const mix = {
      teacher: modelTeacher(sure, warm.params, vocabulary),
      teacherMix: 0.5,
      learningRate: 0,
      batchSize: 4,
    };
    using weighed = new GkdTrainer(options({ ...mix, mixWeights: kind }));
    const written = (await weighed.run({ steps: 1 })) as GkdStep;
    const ids = (text: string): number[] => Array.from(text, (c) => 2 + Number(c));
    const asked = padBatch(
      written.samples.map(({ prompt }) => ids(prompt)),
      0,
    );
    const answers = written.samples.map(({ completion: text }) => [...ids(text), ...(text.length < 5 ? [1] : [])]);
    const completions = padBatch(answers, 0);
    const flat = (z: Tensor): Tensor2D => reshape(z, [4 * completions.width, vocabulary.size]);
    const [zS, zT] = [student.logits(start, asked, completions), sure.logits(warm.params, asked, completions)];
    const d = tokenDivergence(flat(zS), flat(zT), { kind: 'jsd', beta: 0.5 }).dataSync<'float32'>();
    const [q, p] = [student.logProbs(start, asked, completions), sure.logProbs(warm.params, asked, completions)];
    const byHand = answers.reduce((sum, { length }, b) => {
      const row = (x: ArrayLike<number>): number[] =>
        Array.from({ length }, (_, n) => x[b * completions.width + n] as number);
      const counts = mixWeightsOf(row(q.dataSync()), row(p.dataSync()), { kind, share: 0.5, whole: true });
      return sum + row(d).reduce((s, x, n) => s + x * (counts[n] as number), 0) / length / 4;
    }, 0);
    expect(written.loss).toBeCloseTo(byHand, 4);
  }
  expect(() => new GkdTrainer(options({ mixWeights: 'exact' }))).toThrow(/teacherMix.*above 0/);
  expect(() => new GkdTrainer(options({ teacherMix: 0.2 }))).toThrow('one modelTeacher');
  expect(() => new GkdTrainer(options({ teacherMix: 1 }))).toThrow('teacherMix');
});

test.each(['sampled-opd', 'minillm', 'distillm', 'imitkd'] as const)('preset %s trains', async (name) => {
  using trainer = new GkdTrainer(options(presets[name]({ offPolicy: { source: 'dataset', data } }) as never));
  const step = await trainer.run({ steps: 3 });
  expect(Number.isFinite(step?.loss)).toBe(true);
});

test('held-out prompts: the objective on what the student writes, without a random number of training’s', async () => {
  const heldOut = ['3', '7', '9'];
  const base = { divergence: 'fkl' as const, prompts: prompts.filter((p) => !heldOut.includes(p)), learningRate: 0.02 };
  const found: Record<string, number>[] = [];
  const before = memory().numTensors;
  {
    using trainer = new GkdTrainer(options({ ...base, heldOut, evalEvery: 20, batchSize: 2 }));
    for await (const step of trainer.train({ steps: 60 }))
      if (step.evalLoss !== undefined) found.push(step as unknown as Record<string, number>);
    const [last] = found.slice(-1) as [Record<string, number>];
    expect(last.evalLoss).toBeCloseTo(last.evalFkl as number, 5); // completions of one length: both means are one
    expect(last.evalAcceptance).toBeGreaterThan(0);
  }
  expect(memory().numTensors).toBe(before);
  expect(found.map(({ step }) => step)).toEqual([20, 40, 60]);
  expect(found[2]?.evalLoss).toBeLessThan(0.5 * (found[0]?.evalLoss as number));

  // an evaluation takes no random number from training
  const run = async (more: Partial<GkdOptions>): Promise<number[]> => {
    using trainer = new GkdTrainer(options({ ...base, ...more }));
    return await losses(trainer, 6);
  };
  expect(await run({ heldOut, evalEvery: 2 })).toEqual(await run({}));

  // with λ 0 the rows' own completions
  using fixed = new GkdTrainer(
    options({ ...presets.sft({}), divergence: 'nll', prompts: data, heldOut: data.slice(0, 4), learningRate: 0 }),
  );
  const last = await fixed.run({ steps: 1 });
  using same = new GkdTrainer(
    options({ ...presets.sft({}), divergence: 'nll', prompts: data.slice(0, 4), batchSize: 4, learningRate: 0 }),
  );
  expect(last?.evalLoss).toBeCloseTo((await same.run({ steps: 1 }))?.loss as number, 5);
});

test('no lower loss for some evaluations: it stops', async () => {
  using trainer = new GkdTrainer(
    options({ heldOut: ['1', '2'], evalEvery: 1, earlyStop: { patience: 2 }, learningRate: 0 }),
  );
  await trainer.run({ steps: 30 });
  expect([trainer.step, trainer.stopReason]).toEqual([3, 'early']);
});

test('rows without room are refused, or left out where that is asked for', async () => {
  const long = '1'.repeat(14);
  expect(() => new GkdTrainer(options({ prompts: [...prompts, long] }))).toThrow(/prompts, row 10: .*longer/);
  using trainer = new GkdTrainer(options({ prompts: [...prompts, long], overflow: 'drop', batchSize: 10 }));
  const step = await trainer.run({ steps: 1 });
  expect(step?.samples.some(({ prompt }) => prompt === long)).toBe(false);
  expect(() => new GkdTrainer(options({ prompts: [long], overflow: 'drop' }))).toThrow(/none of the 1 rows fits/);
  expect(() => new GkdTrainer(options({ heldOut: [] }))).toThrow(/heldOut: there are none/);
});
