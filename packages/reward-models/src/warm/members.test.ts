// What averages, soups and lines between models refuse, on trees of one tensor.
import { flatten, type Params, useBackend } from '@gimbal/tensor-core';
import { memory, tensor1d } from '@tensorflow/tfjs-core';
import { preferenceModel } from '../models/preference-model.ts';
import { lmcCurve } from './lmc-curve.ts';
import { averageMembers, averageStream, fingerprint, greedySoup } from './members.ts';

beforeAll(() => useBackend('auto'));

const tree = (...values: number[]): Params => ({ w: tensor1d(values) });
const lineage = (run: number) => ({ pretrainId: 'one', run });
const source = (run: number, ...values: number[]) => ({
  name: `run ${run}`,
  lineage: lineage(run),
  selectionAccuracy: 1 - run / 10,
  load: async () => tree(...values),
});
const free = (...trees: Params[]): void => {
  for (const one of trees) for (const [, t] of flatten(one)) t.dispose();
};
let before: number;
beforeEach(() => {
  before = memory().numTensors;
});
afterEach(() => expect(memory().numTensors).toBe(before));

it('weights that are no numbers are not averaged', async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const [a, b] = [tree(1, 2), tree(1, bad)];
    const members = [a, b].map((params, run) => ({ params, lineage: lineage(run) }));
    expect(() => averageMembers(members)).toThrow(/run 1: tensor w has values that are no finite numbers/);
    free(a, b);
    await expect(averageStream([source(0, 1, 2), source(1, 1, bad)])).rejects.toThrow(/run 1: tensor w has values/);
  }
});

it('a greedy soup keeps nobody for an accuracy that is no number, and frees the average whatever happens', async () => {
  const members = [source(0, 1), source(1, 2), source(2, 3)];
  await expect(greedySoup(members, async () => Number.NaN)).rejects.toThrow(/with run 1: the accuracy .* no number/);
  const thrown = () => {
    throw new Error('at once');
  };
  await expect(greedySoup(members, thrown)).rejects.toThrow('at once');
});

it('a line frees what is between, and looks at its shares and margins', async () => {
  const [a, b] = [tree(1), tree(2)];
  const drain = async (margins: (p: Params) => Promise<number[]>, lambdas?: number[]) => {
    const points = [];
    for await (const point of lmcCurve(margins, a, b, lambdas)) points.push(point);
    return points;
  };
  const w = async (p: Params) => Array.from((p.w as ReturnType<typeof tensor1d>).dataSync());
  expect((await drain(w, [0.5])).map(({ wa }) => wa)).toEqual([1]);
  let calls = 0;
  const throws = (p: Params) => {
    if (++calls > 2) throw new Error('at once');
    return w(p);
  };
  await expect(drain(throws)).rejects.toThrow('at once');
  await expect(drain(async () => [])).rejects.toThrow(/margins: there are none/);
  await expect(drain(async () => [Number.NaN])).rejects.toThrow(/margin 0: it is no number/);
  calls = 0;
  await expect(drain(async () => new Array(++calls).fill(1))).rejects.toThrow(/number of margins changes/);
  calls = 0;
  await expect(drain(throws, [0.5, 2])).rejects.toThrow(/lambdas: out of range; got 2/);
  expect(calls).toBe(0);
  free(a, b);
});

it('a fingerprint tells 3 from 0', () => {
  const trees = [tree(3), tree(0), tree(3)];
  const [three, zero, again] = trees.map(fingerprint);
  expect(three).toBe(again);
  expect(three).not.toBe(zero);
  free(...trees);
});

it('a misspelt form is no form', () => {
  expect(() => preferenceModel({} as never, { form: 'skew' as never })).toThrow(/form: no such choice.*skew-symmetric/);
});
