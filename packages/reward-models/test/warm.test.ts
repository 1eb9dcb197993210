// Averages of members: what may be averaged, what it gives, and a whole run that is stopped and goes on.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadClassifier } from '@gimbal/language-models';
import { disposeTree, flatten, type Params, readMetrics, rng, treeBytes, useBackend } from '@gimbal/tensor-core';
import { memory, ones, type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import {
  averageFolders,
  averageMembers,
  averageStream,
  corruptionReport,
  ensemble,
  fingerprint,
  greedySoup,
  lmcBarrier,
  lmcCurve,
  type MemberSource,
  rankMembers,
  rewardModel,
  saveReward,
  swapLabels,
  type WarmStep,
  WarmTrainer,
} from '../src/index.ts';
import { colourPairs, smallDecoder, wordTokenizer } from './helpers/toy.ts';

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-warm-'));
});
afterAll(() => rm(dir, { recursive: true }));

const lineage = (run: number, pretrainId = 'a') => ({ pretrainId, run });
const value = (params: Params): number => ((params.w as Tensor).dataSync() as Float32Array)[0] as number;

describe('weights', () => {
  const two = () => [0, 1].map((run) => ({ params: { w: ones([3]) } as Params, lineage: lineage(run) }));

  it('are used as stated unless they are to be normalised', () => {
    expect(value(averageMembers(two(), { weights: [0.1, 1] }))).toBeCloseTo(1.1, 6);
    expect(value(averageMembers(two(), { weights: [0.1, 1], normalize: true }))).toBeCloseTo(1, 6);
    expect(value(averageMembers(two(), { weights: [1, -1], extrapolate: true }))).toBeCloseTo(0, 6);
    expect(() => averageMembers(two(), { weights: [1, -1] })).toThrow(/a weight is below 0; got -1/);
    expect(() => averageMembers(two(), { weights: [0, 0], normalize: true })).toThrow(/sum to 0 cannot be normalised/);
    expect(() => averageMembers(two(), { weights: [0, 0] })).toThrow(/average.weights: all are 0/);
    expect(() => averageMembers(two().slice(0, 1))).toThrow(/too few members; got 1, wanted at least 2/);
    const other = [
      { params: {}, lineage: lineage(0) },
      { params: {}, lineage: lineage(7, 'b') },
    ];
    expect(() => averageMembers(other)).toThrow(
      /member of run 7: it comes from another pretraining; got "b", wanted a/,
    );
  });
});

describe('members that are read one by one', () => {
  const shape: [number, number] = [64, 64];
  let most = 0;
  const source = (run: number, selectionAccuracy = 0): MemberSource => ({
    name: `run ${run}`,
    lineage: lineage(run),
    selectionAccuracy,
    load: async () => {
      const params = { w: rng(run).normalTensor(shape), v: tensor2d([[run]]) };
      most = Math.max(most, memory().numBytes);
      return params;
    },
  });

  it('average to the same, with two models in memory at most', async () => {
    const before = memory();
    most = 0;
    const average = await averageStream([0, 1, 2, 3, 4, 5].map((run) => source(run)));
    expect(most - before.numBytes).toBeLessThanOrEqual(2 * treeBytes(average));
    const members = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (run) => ({ params: await source(run).load(), lineage: lineage(run) })),
    );
    const whole = averageMembers(members);
    const [a, b] = [average.w, whole.w].map((t) => (t as Tensor).dataSync()) as [Float32Array, Float32Array];
    a.forEach((x, i) => {
      expect(Math.abs(x - (b[i] as number))).toBeLessThan(1e-6);
    });
    expect((average.v as Tensor).dataSync()[0]).toBeCloseTo(2.5, 6);
    const stated = await averageStream([source(2), source(4)], { weights: [1, 2] });
    expect((stated.v as Tensor).dataSync()[0]).toBeCloseTo(2 + 8, 5);
    for (const tree of [average, whole, stated, ...members.map((m) => m.params)]) disposeTree(tree);
    expect(memory().numTensors).toBe(before.numTensors);
    const odd = { ...source(1), load: async () => ({ w: ones([2, 2]) }) as Params };
    await expect(averageStream([source(0), odd])).rejects.toThrow(
      /average, run 1: tensor w differs; got \[2,2\], wanted \[64,64\]/,
    );
    expect(memory().numTensors).toBe(before.numTensors);
  });

  it('are ranked with a rule for ties, and a greedy soup keeps who does no harm', async () => {
    const members = [source(0, 0.6), source(1, 0.8), source(2, 0.8), source(3, 0.7)];
    expect(rankMembers(members).map((m) => m.lineage.run)).toEqual([1, 2, 3, 0]);
    // as if only averages near 1.5 were good: 1 and 2 make 1.5, 3 makes it 2, 0 makes it 1
    const kept = await greedySoup(members, async (p) => 1 - Math.abs(((p.v as Tensor).dataSync()[0] as number) - 1.5));
    expect(kept.map((m) => m.lineage.run)).toEqual([1, 2]);
    expect(() => rankMembers([{ lineage: lineage(3) }])).toThrow(/member of run 3: it has no selection accuracy/);
  });

  it('have a name that follows from every value', () => {
    const name = (x: number): string => fingerprint({ w: tensor2d([[x, 2]]) });
    expect(name(1)).toMatch(/^[0-9a-f]{16}$/);
    expect(name(1)).toBe(name(1));
    expect(name(1)).not.toBe(name(1.0000001));
  });
});

it('ensembles: mean, median, least, and mean less variance, by hand', async () => {
  const members = [1, 2, 6].map((x) => () => [x, x === 2 ? null : x]);
  const ask = async (o: object) => (await ensemble(members, o)(['p', 'p'], ['c', 'c']))[0];
  expect(await ask({})).toBe(3);
  expect(await ask({ reduce: 'median' })).toBe(2);
  expect(await ask({ reduce: 'min' })).toBe(1);
  // variance of n − 1: (4 + 1 + 9) / 2 = 7
  expect(await ask({ reduce: { meanMinusVariance: 0.1 } })).toBeCloseTo(2.3, 12);
  const stats = [1, 2, 6].map((mean) => ({ mean, std: 2 }));
  expect(await ask({ stats })).toBe(0);
  expect((await ensemble(members)(['p', 'p'], ['c', 'c']))[1]).toBeNull();
  expect(() => ensemble([])).toThrow(/there are no members/);
  expect(() => ensemble(members.slice(0, 1), { reduce: { meanMinusVariance: 1 } })).toThrow(/reduce: out of range/);
  expect(() => ensemble(members, { stats: [] })).toThrow(/one a member is needed/);
  const flat = members.map((_, m) => ({ mean: 0, std: m }));
  expect(() => ensemble(members, { stats: flat })).toThrow(/stats of member 1: out of range/);
});

it('the curve between two models has its ends, and a barrier where accuracy falls', async () => {
  // margins w·x of three pairs: at either end two are right, in the middle one is
  const margins = async (p: Params) => {
    const w = value(p);
    return [w, -w, 1 - w * w];
  };
  const at = (w: number) => ({ w: tensor2d([[w]]) });
  const points = [];
  for await (const point of lmcCurve(margins, at(-0.9), at(0.9), [0, 0.5, 1])) points.push(point);
  expect(points.map(({ lambda, diag }) => [lambda, diag])).toEqual([0, 0.5, 1].map((l) => [l, 2 / 3]));
  expect(points[1]).toMatchObject({ wa: 2 / 3, ens: 2 / 3 }); // margins 0, 0, 1
  expect(points[0]?.wa).toBe(points[0]?.ens);
  expect(lmcBarrier(points)).toBeCloseTo(0, 12);
  await expect(lmcCurve(margins, at(0), at(1), [2]).next()).rejects.toThrow(/a number from 0 to 1/);
});

it('labels are turned round at a rate, and what was memorised of them is seen', async () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ prompt: `${i}`, chosen: 'good', rejected: 'bad' }));
  const { rows, swapped } = swapLabels(many, 0.25, rng(0));
  const share = swapped.reduce((a, b) => a + b, 0) / 1000;
  expect(Math.abs(share - 0.25)).toBeLessThan(0.04);
  const truth = (_: readonly string[], texts: readonly string[]) => texts.map((t) => Number(t === 'good'));
  const report = await corruptionReport(truth, {
    corrupted: rows.filter((_, i) => swapped[i]),
    clean: rows.filter((_, i) => !swapped[i]),
    none: [],
  });
  expect([report.corrupted.value, report.clean.value, report.none]).toEqual([0, 1, undefined]);
  expect(() => swapLabels(many, 0.5, rng(0))).toThrow(/rate: out of range/);
});

const tokenizer = wordTokenizer();
const model = rewardModel(smallDecoder());

it('folders: the average is one plain folder; what does not belong together is refused and nothing is written', async () => {
  const trees = [0, 1, 2].map((seed) => model.init(rng(seed)));
  const folders = trees.map((_, i) => join(dir, `m${i}`));
  for (const [i, folder] of folders.entries()) {
    await saveReward(folder, model, trees[i] as Params, { tokenizer, temperature: 2 });
  }
  const members = folders.map((folder, run) => ({ folder, lineage: lineage(run), selectionAccuracy: 0.5 }));
  const record = await averageFolders(members, join(dir, 'average'));
  expect(record.members.map((m) => m.weight)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  expect(JSON.parse(await readFile(join(dir, 'average', 'warm.json'), 'utf8'))).toEqual(record);
  expect(record.members.map((m) => m.folder)).toEqual(['../m0', '../m1', '../m2']); // as they lie from the average
  expect(record.warnings).toBeUndefined();
  const twins = [members[0], members[1], { ...members[0], lineage: lineage(3) }] as typeof members;
  const doubled = await averageFolders(twins, join(dir, 'doubled'));
  expect(doubled.warnings).toEqual([expect.stringMatching(/m0 has the very weights of \S+m0: it adds no diversity/)]);
  expect(JSON.parse(await readFile(join(dir, 'doubled', 'warm.json'), 'utf8'))).toEqual(doubled);
  const shares = async (o: object): Promise<number[]> =>
    (await averageFolders(members, join(dir, 'weighed'), { normalize: true, ...o })).members.map((m) => m.weight);
  expect(await shares({ weights: [1, 1, 2] })).toEqual([0.25, 0.25, 0.5]);
  expect(await shares({})).toEqual([1 / 3, 1 / 3, 1 / 3]);
  // a temperature that was measured on a member does not hold for the average
  expect(JSON.parse(await readFile(join(dir, 'average', 'reward.json'), 'utf8'))).toEqual({ kind: 'bradley-terry' });
  const { params } = await loadClassifier(join(dir, 'average'));
  const means = new Map(flatten(params).map(([path, t]) => [path, t.dataSync()[0] as number]));
  for (const [path, t] of flatten(trees[0] as Params)) {
    const values = trees.map((tree) => new Map(flatten(tree)).get(path)?.dataSync()[0] as number);
    expect(means.get(path)).toBeCloseTo(values.reduce((a, b) => a + b, 0) / 3, 5);
    void t;
  }
  const out = join(dir, 'refused');
  const refused = (list: readonly object[], o: object = {}) => averageFolders(list as never, out, o);
  const wide = rewardModel(smallDecoder({ vocabularySize: 19 }));
  const more = wide.init(rng(0));
  await saveReward(join(dir, 'wide'), wide, more, { tokenizer });
  // a tokenizer that is only written down otherwise is the same
  const written = await readFile(join(folders[1] as string, 'tokenizer.json'), 'utf8');
  await writeFile(join(folders[1] as string, 'tokenizer.json'), JSON.stringify(JSON.parse(written)));
  await averageFolders(members, join(dir, 'average'));
  await expect(refused([members[0] as object, { folder: join(dir, 'wide') }])).rejects.toThrow(
    /wide.*tensor model.embed_tokens.weight differs; got "F32 \[19,32\]", wanted F32 \[18,32\], as in .*m0/,
  );
  const config = JSON.parse(await readFile(join(folders[2] as string, 'config.json'), 'utf8'));
  await writeFile(join(folders[2] as string, 'config.json'), JSON.stringify({ ...config, rms_norm_eps: 1 }));
  await expect(refused(members)).rejects.toThrow(
    /m2.*config.json: rms_norm_eps differs from the first member’s; got 1/,
  );
  const text = await readFile(join(folders[1] as string, 'tokenizer.json'), 'utf8');
  await writeFile(join(folders[1] as string, 'tokenizer.json'), text.replace('"red"', '"rot"'));
  await expect(refused(members.slice(0, 2))).rejects.toThrow(/m1.*it is another tokenizer/);
  const other = [members[0], { ...members[1], lineage: lineage(1, 'b') }] as object[];
  await expect(refused(other)).rejects.toThrow(/another pretraining/);
  // of three the one that tells nothing hides no other
  await expect(refused([{ folder: folders[0] }, ...other])).rejects.toThrow(/another pretraining/);
  await expect(refused(members, { weights: [1, 2] })).rejects.toThrow(/one weight per member is needed/);
  expect((await readdir(dir)).filter((name) => name.includes('refused'))).toEqual([]);
  for (const tree of [...trees, params, more]) disposeTree(tree);
});

it('a whole run: members differ, are kept and ranked; stopped, it goes on to the same average', async () => {
  const before = memory().numTensors;
  const checkpoints = [model.init(rng(0)), model.init(rng(0))];
  const options = (out: string) =>
    ({
      model,
      tokenizer,
      data: colourPairs,
      selection: colourPairs,
      init: { kind: 'baklava', checkpoints },
      grid: { learningRate: [2e-3, 4e-3], dropout: [0, 0.1] },
      runs: 3,
      members: 2,
      stepsPerRun: 8,
      batchSize: 6,
      seed: 0,
      checkpointEvery: 2,
      out: join(dir, out),
    }) as const;
  const whole: WarmStep[] = [];
  for await (const step of new WarmTrainer(options('whole')).train()) whole.push(step);
  expect(whole.filter((s) => s.phase === 'run')).toHaveLength(24);
  expect(whole.at(-1)).toMatchObject({ phase: 'averaged', members: [expect.any(Number), expect.any(Number)] });
  const none = new WarmTrainer(options('none')).record();
  await expect(none).rejects.toThrow(/none.*warm.json: there is no average yet/);
  const record = await new WarmTrainer(options('whole')).record();
  expect(record.members.map((m) => m.weight)).toEqual([0.5, 0.5]);
  expect(record.members[0]?.lineage?.pretrainId).toBe(fingerprint(checkpoints[1] as Params));
  // members are found from wherever it is run, each with the log of its training, and their checkpoints are gone
  for (const { folder } of record.members)
    expect((await readMetrics(folder)).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(await readdir(join(dir, 'whole', 'runs'))).toEqual([]);
  // another checkpoint in the middle, the same last one
  const others = [model.init(rng(1)), checkpoints[1] as Params];
  const changed = new WarmTrainer({ ...options('whole'), init: { kind: 'baklava', checkpoints: others } });
  await expect(changed.run()).rejects.toThrow(/another configuration: starts/);
  disposeTree(others[0] as Params);

  // stopped in the middle of the second run
  const controller = new AbortController();
  for await (const step of new WarmTrainer(options('halves')).train({ signal: controller.signal })) {
    if (step.phase === 'run' && step.run === 1 && step.step === 4) controller.abort();
  }
  expect(await readdir(join(dir, 'halves', 'members'))).toEqual(['run-0']);
  const rest: WarmStep[] = [];
  for await (const step of new WarmTrainer(options('halves')).train()) rest.push(step);
  expect(rest.filter((s) => s.phase === 'run').map((s) => s.run)[0]).toBe(1);
  expect(rest.at(-1)).toEqual(whole.at(-1));
  const bytes = (out: string) => readFile(join(dir, out, 'model', 'model.safetensors'));
  expect((await bytes('halves')).equals(await bytes('whole'))).toBe(true);

  // two processes on one folder: each its runs, in any order, and the average from all
  for (const only of [[2, 0], [1]]) for await (const _ of new WarmTrainer(options('parts')).train({ only })) void _;
  const last: WarmStep[] = [];
  for await (const step of new WarmTrainer(options('parts')).train()) last.push(step);
  expect(last).toEqual(whole.slice(-1));
  expect((await bytes('parts')).equals(await bytes('whole'))).toBe(true);
  const beyond = new WarmTrainer(options('parts')).train({ only: [3] });
  await expect(beyond.next()).rejects.toThrow(/there is no such run; got 3, wanted 0 to 2/);

  const again = { ...options('whole'), grid: { learningRate: [1], dropout: [0] } };
  await expect(new WarmTrainer(again).run()).rejects.toThrow(/another configuration: grid/);
  // members of two batch sizes are no members of one run
  const smaller = { ...options('whole'), batchSize: 4 };
  await expect(new WarmTrainer(smaller).run()).rejects.toThrow(/another configuration: batchSize/);
  // before there is a member there is a head, which was probed for one configuration
  const early = new AbortController();
  for await (const _ of new WarmTrainer(options('early')).train({ signal: early.signal })) early.abort();
  expect(await readdir(join(dir, 'early'))).not.toContain('members');
  const later = { ...options('early'), seed: 1 };
  await expect(new WarmTrainer(later).run()).rejects.toThrow(/another configuration: seed/);
  expect(() => new WarmTrainer({ ...options('x'), runs: 1 })).toThrow(/runs: out of range; got 1/);
  expect(() => new WarmTrainer({ ...options('x'), members: 4 })).toThrow(/members: out of range; got 4/);
  expect(() => new WarmTrainer({ ...options('x'), grid: { learningRate: [], dropout: [0] } })).toThrow(
    /grid.learningRate/,
  );
  for (const tree of checkpoints) disposeTree(tree);
  expect(memory().numTensors).toBe(before);
}, 120_000);
