// Members of every kind, of one run each: what trains them, what they are averaged to, and what is refused.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Classifier, ClassifierTrainer, classifier, dataset, loadClassifier } from '@gimbal/language-models';
import { disposeTree, flatten, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  linearProbe,
  loadReward,
  type MemberModel,
  preferenceAccuracy,
  preferenceFn,
  preferenceModel,
  rewardFn,
  rewardModel,
  rewardStats,
  swapClasses,
  type WarmOptions,
  type WarmStep,
  WarmTrainer,
} from '../src/index.ts';
import { colourPairs, colourRows, smallDecoder, smallEncoder, wordTokenizer } from './helpers/toy.ts';

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-warm-members-'));
});
afterAll(() => rm(dir, { recursive: true }));

const tokenizer = wordTokenizer({ pairs: true });
const words = wordTokenizer();
const labels = ['entailment', 'contradiction'];
const judge = classifier(smallEncoder(), labels);
const labelled = dataset(
  colourRows.flatMap(({ prompt, chosen, rejected }) => [
    { premise: prompt, hypothesis: chosen, label: 'entailment' },
    { premise: prompt, hypothesis: rejected, label: 'contradiction' },
  ]),
  { kind: 'labelled-pair' },
);

const run = async (o: WarmOptions): Promise<WarmStep[]> => {
  const steps: WarmStep[] = [];
  for await (const step of new WarmTrainer(o).train()) steps.push(step);
  return steps;
};
const settings = (model: MemberModel, out: string) => {
  const params = model.init(rng(0));
  const o = {
    model,
    tokenizer: 'classifier' in model ? words : tokenizer,
    data: 'classifier' in model ? colourPairs : labelled,
    selection: 'classifier' in model ? colourPairs : labelled,
    init: { kind: 'shared', params },
    grid: { learningRate: [3e-3], dropout: [0, 0.1] },
    runs: 2,
    stepsPerRun: 6,
    batchSize: 8,
    seed: 0,
    checkpointEvery: 3,
    out: join(dir, out),
  } as const satisfies WarmOptions;
  return { o, free: () => disposeTree(params) };
};

it('classifiers: stopped, they go on to the same average, which is a classifier', async () => {
  const before = memory().numTensors;
  const { o, free } = settings(judge, 'judges');
  const whole = await run(o);
  expect(whole.filter((s) => s.phase === 'run')).toHaveLength(12);
  expect(whole.at(-1)).toMatchObject({ phase: 'averaged', members: [expect.any(Number), expect.any(Number)] });

  const halves = { ...o, out: join(dir, 'halves') };
  const controller = new AbortController();
  for await (const step of new WarmTrainer(halves).train({ signal: controller.signal })) {
    if (step.phase === 'run' && step.run === 0 && step.step === 4) controller.abort();
  }
  expect((await run(halves)).at(-1)).toEqual(whole.at(-1));
  const weights = (out: string) => readFile(join(out, 'model', 'model.safetensors'));
  expect((await weights(halves.out)).equals(await weights(o.out))).toBe(true);

  // (a + b) / 2, tensor by tensor
  const trees = [];
  for (const name of ['model', 'members/run-0', 'members/run-1']) trees.push(await loadClassifier(join(o.out, name)));
  const [average, a, b] = trees.map(({ params }) => new Map(flatten(params)));
  for (const [path, t] of average ?? []) {
    const [x, y] = [a, b].map((tree) => tree?.get(path)?.dataSync()[0] as number) as [number, number];
    expect(t.dataSync()[0]).toBeCloseTo((x + y) / 2, 6);
  }
  expect(trees[0]?.model.labels).toEqual(labels);
  for (const { params } of trees) disposeTree(params);
  await expect(run({ ...o, runs: 3 })).rejects.toThrow(/another configuration: runs/);
  expect(() => new WarmTrainer({ ...o, lora: { rank: 2 } })).toThrow(/lora: .*a classifier has no such option/);
  expect(() => new WarmTrainer({ ...o, data: colourPairs })).toThrow(/rows of this kind have no label/);
  expect(() => new WarmTrainer({ ...o, selection: colourPairs })).toThrow(/rows of this kind have no label/);
  free();
  expect(memory().numTensors).toBe(before);
});

it('a damaged folder is told with what to do, before anything is trained; the other members are kept', async () => {
  const { o, free } = settings(judge, 'damaged');
  const first = (await run({ ...o, stepsPerRun: 2 })).at(-1);
  const again = () => run({ ...o, stepsPerRun: 2 });
  const spoilt = async (file: string, message: RegExp): Promise<void> => {
    const path = join(o.out, file);
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.length / 2));
    await expect(again()).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) });
    await writeFile(path, whole);
  };
  const anew = /run-1.*Delete .*run-1: going on trains this run anew/;
  for (const file of ['member.json', 'config.json', 'model.safetensors']) await spoilt(`members/run-1/${file}`, anew);
  await spoilt('warm-config.json', /warm-config.json: the file is damaged: it is not JSON\. Start a new run/);
  await rm(join(o.out, 'members', 'run-1'), { recursive: true });
  await spoilt('head.safetensors', /head.safetensors.*Delete it: going on probes the head anew/);
  await rm(join(o.out, 'head.safetensors'));
  const steps = await again();
  expect(new Set(steps.flatMap((s) => (s.phase === 'run' ? [s.run] : [])))).toEqual(new Set([1]));
  expect(steps.at(-1)).toEqual(first);
  free();
});

it('preference models of both forms are ranked and kept as what they are', async () => {
  for (const form of ['antisymmetric', 'skew-symmetric'] as const) {
    const { o, free } = settings(preferenceModel(smallDecoder(), { form }), form);
    await run(o);
    const { model, params, tokenizer: own } = await loadReward(join(o.out, 'model'));
    expect(model).toMatchObject({ kind: 'pairwise', form });
    expect(own).toBeDefined();
    disposeTree(params);
    free();
  }
});

it('low-rank members are merged into the model before they are averaged', async () => {
  const { o, free } = settings(rewardModel(smallDecoder()), 'lora');
  await run({ ...o, lora: { rank: 2 } });
  const { model, params, notes } = await loadReward(join(o.out, 'model'));
  // of its own scores, not of a member's
  const answers = colourRows.flatMap(({ prompt, chosen, rejected }) =>
    [chosen, rejected].map((completion) => ({ prompt, completion })),
  );
  const stats = await rewardStats(rewardFn(rewardModel(smallDecoder()), params, words), answers);
  expect(notes.stats?.std).toBeCloseTo(stats.std, 6);
  expect(model.kind).toBe('bradley-terry');
  expect(flatten(params).filter(([path]) => /lora/.test(path))).toEqual([]);
  disposeTree(params);
  free();
});

it('a trainer and a rank of one’s own', async () => {
  const { o, free } = settings(judge, 'own');
  const seen: number[] = [];
  const last = await run({
    ...o,
    async train({ params, seed, out, learningRate }, from) {
      seen.push(seed);
      const options = {
        model: judge as Classifier,
        params,
        tokenizer,
        data: labelled,
        batchSize: 4,
        learningRate,
        seed,
        out,
      };
      return from === undefined ? new ClassifierTrainer(options) : ClassifierTrainer.resume(from, options);
    },
    rank: async () => 0.25,
  });
  // the same run twice
  const same = await run({
    ...o,
    out: join(dir, 'same'),
    async train({ params, out }) {
      return new ClassifierTrainer({
        model: judge,
        params,
        tokenizer,
        data: labelled,
        learningRate: 1e-3,
        seed: 0,
        batchSize: 4,
        out,
      });
    },
  });
  expect(same.at(-1)?.warnings).toEqual(['runs 0 and 1 are the same to the bit: they add no diversity']);
  expect(seen).toEqual([1, 2]);
  expect(last.at(-1)?.warnings).toBeUndefined();
  expect(last.at(-1)).toMatchObject({ selectionAccuracy: 0.25 });
  free();
});

it('a run follows a schedule from its rate in the grid, and a folder belongs to one way of training', async () => {
  const { o, free } = settings(judge, 'scheduled');
  const first = async (more: Partial<WarmOptions>): Promise<Buffer> => {
    const all = { ...o, ...more };
    for await (const _ of new WarmTrainer(all).train({ only: [0] })) void _;
    return await readFile(join(all.out, 'members', 'run-0', 'model.safetensors'));
  };
  const peaks = new Set<number>();
  const schedule = (peak: number) => {
    peaks.add(peak);
    return (step: number) => (step === 0 ? peak : 0); // after one update nothing moves
  };
  const scheduled = await first({ stepsPerRun: 2, schedule });
  expect([...peaks]).toEqual([3e-3]);
  expect(scheduled.equals(await first({ stepsPerRun: 1, out: join(dir, 'one-update') }))).toBe(true);
  await expect(first({ stepsPerRun: 2, batchSize: 4 })).rejects.toThrow(/another configuration: batchSize/);
  free();
});

it('a greedy soup that keeps one member says so', async () => {
  const { o, free } = settings(judge, 'soup');
  let asked = 0;
  // of averages each is worse than the one before
  const last = await run({ ...o, stepsPerRun: 2, members: 'greedy', rank: async () => 1 / ++asked });
  expect(last.at(-1)).toMatchObject({
    members: [0, 1],
    warnings: ['no member helps run 0, the best: it is averaged with run 1 all the same'],
  });
  free();
});

it('pairs longer than the model are cut for the probe where training cuts them', async () => {
  const { o, free } = settings(rewardModel(smallDecoder()), 'cut');
  const long = { ...o, maxLength: 5, overflow: 'cut' } as const;
  const probed = linearProbe(rewardModel(smallDecoder()), o.init.params, words, colourPairs, {
    steps: 2,
    maxLength: 5,
  });
  await expect(probed).rejects.toThrow(/all 12 pairs are longer than the model/);
  const steps: WarmStep[] = [];
  const only = new WarmTrainer({ ...long, rank: async () => 1 }).train({ only: [0] });
  for await (const step of only) steps.push(step);
  expect(steps.at(-1)).toMatchObject({ phase: 'member', run: 0 });
  free();
});

it('a probed head is the best on features as they are, for every kind', async () => {
  const start = judge.init(rng(0));
  const probed = await linearProbe(judge, start, tokenizer, labelled, { steps: 400, learningRate: 0.05, l2: 0 });
  for (const [path, t] of flatten(probed)) {
    const same = String(t.dataSync()) === String(new Map(flatten(start)).get(path)?.dataSync());
    expect([path, same]).toEqual([path, !path.startsWith('classifier')]);
  }
  // at the optimum of a softmax the mean probability of a class is its share: ½
  const { logits } = judge;
  const rows = labelled.rows as readonly { premise: string; hypothesis: string }[];
  const { frameTokens, padRows } = await import('@gimbal/language-models');
  const framed = rows.map((r) =>
    frameTokens(tokenizer, tokenizer.encodeText(r.premise), tokenizer.encodeText(r.hypothesis)),
  );
  const z = logits(probed, padRows(framed, 0));
  const values = z.dataSync();
  let mean = 0;
  for (let i = 0; i < rows.length; i++)
    mean += 1 / (1 + Math.exp((values[2 * i + 1] as number) - (values[2 * i] as number))) / rows.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
  z.dispose();
  for (const tree of [start, probed]) disposeTree(tree);

  for (const form of ['antisymmetric', 'skew-symmetric'] as const) {
    const model = preferenceModel(smallDecoder(), { form });
    const raw = model.init(rng(1));
    const better = await linearProbe(model, raw, words, colourPairs, { steps: 300, learningRate: 0.05, l2: 0 });
    const pairs = colourRows.map((row) => ({ ...row }));
    const accuracy = async (p: typeof raw) => (await preferenceAccuracy(preferenceFn(model, p, words), pairs)).value;
    expect(await accuracy(better)).toBeGreaterThanOrEqual(Math.max(0.75, await accuracy(raw)));
    for (const tree of [raw, better]) disposeTree(tree);
  }
});

it('classes are made wrong at a rate, each other class as likely', () => {
  const classes = ['a', 'b', 'c'];
  const rows = Array.from({ length: 3000 }, (_, i) => ({ text: `${i}`, label: i % 2 ? 'B' : 0 }));
  const { rows: turned, swapped } = swapClasses(rows, classes, 0.25, rng(0));
  const count = (p: (i: number) => boolean): number => rows.filter((_, i) => p(i)).length;
  expect(Math.abs(count((i) => swapped[i] === 1) / 3000 - 0.25)).toBeLessThan(0.03);
  expect(turned.every((row, i) => (swapped[i] ? row.label !== (i % 2 ? 'b' : 'a') : row === rows[i]))).toBe(true);
  const toC = count((i) => swapped[i] === 1 && turned[i]?.label === 'c');
  expect(Math.abs(toC / count((i) => swapped[i] === 1) - 0.5)).toBeLessThan(0.06);
  expect(() => swapClasses(rows, classes, 0.5, rng(0))).toThrow(/swapClasses.rate: out of range/);
  expect(() => swapClasses(rows, ['a'], 0.1, rng(0))).toThrow(/no other class/);
  const strange = Array.from({ length: 40 }, () => ({ label: 'x' }));
  expect(() => swapClasses(strange, classes, 0.25, rng(0))).toThrow(/row \d+: not a class; got "x", wanted a, b, c/);
});

it('options and rows are looked at before anything is made', () => {
  const { o, free } = settings(rewardModel(smallDecoder()), 'never');
  const cases: [object, RegExp][] = [
    [{ grid: { learningRate: [1e-3, Number.NaN], dropout: [0] } }, /grid.learningRate: out of range/],
    [{ batchSize: -3 }, /batchSize/],
    [{ maxGradNorm: 0 }, /maxGradNorm: out of range/],
    [{ labelSmoothing: 0.9 }, /labelSmoothing: out of range/],
    [{ centerCoef: -1 }, /centerCoef: out of range/],
    [{ overflow: 'split' }, /overflow: no such choice/],
    [{ maxLength: 4 }, /all 12 pairs are longer than the model/],
    [{ data: dataset([{ prompt: 'say red', chosen: 'it is red', rejected: 'it  is red' }]) }, /the same tokens/],
  ];
  for (const [more, message] of cases) {
    expect(() => new WarmTrainer({ ...o, ...more } as WarmOptions)).toThrow(message);
  }
  free();
  const judges = settings(judge, 'never');
  const other = dataset([{ premise: 'it', hypothesis: 'it', label: 'maybe' }], { kind: 'labelled-pair' });
  expect(() => new WarmTrainer({ ...judges.o, data: other })).toThrow(/none of the model’s; got "maybe"/);
  judges.free();
  expect(existsSync(join(dir, 'never'))).toBe(false);
});

it('a folder is that of its rows', async () => {
  const { o, free } = settings(judge, 'rows');
  for await (const _ of new WarmTrainer({ ...o, stepsPerRun: 1 }).train({ only: [0] })) void _;
  const rows = labelled.rows as readonly { premise: string; hypothesis: string; label: string }[];
  const turned = dataset([...rows].reverse(), { kind: 'labelled-pair' });
  const goOn = (more: object) => new WarmTrainer({ ...o, stepsPerRun: 1, ...more }).train({ only: [0] }).next();
  await expect(goOn({ data: turned })).rejects.toThrow(/another configuration: data/);
  await expect(goOn({ selection: turned })).rejects.toThrow(/another configuration: selection/);
  const columns = rows.map(({ premise, hypothesis, label }) => ({ label, hypothesis, premise }));
  expect((await goOn({ data: dataset(columns, { kind: 'labelled-pair' }) })).done).toBe(true);
  free();
});
