// Win rates of policies whose rates are known.
import { disposeTree, type PreferenceFn, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  type CellResult,
  cyclicShare,
  elo,
  exploitability,
  NashMdTrainer,
  nashAverage,
  playMatrix,
  preferenceGames,
  tokenTable,
  winProbability,
  winRateMatrix,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const table = tokenTable({ vocabulary: 3, length: 1 });
const P = preferenceGames.cyclic(0.9);
const preference: PreferenceFn = (_, a, b) => a.map((x, i) => P.p[Number(x) * 3 + Number(b[i])] as number);
const policies: { [name: string]: number[] } = {
  first: [0.8, 0.1, 0.1],
  second: [0.1, 0.8, 0.1],
  third: [0.1, 0.1, 0.8],
};
const contestants = () =>
  Object.fromEntries(
    Object.entries(policies).map(([name, p]) => [name, { policy: table, params: table.params(p.map(Math.log)) }]),
  );
const options = { codec: table.codec, preference, prompts: ['a', 'b'], maxNewTokens: 1, samplesPerCell: 2000, seed: 1 };

test('the rates are those of the distributions, within their intervals; a cycle of policies is cyclic', async () => {
  const all = contestants();
  const before = memory().numTensors;
  const cells: CellResult[] = [];
  const played = winRateMatrix(all, options);
  let next = await played.next();
  for (; !next.done; next = await played.next()) cells.push(next.value);
  const w = next.value;
  expect(memory().numTensors).toBe(before);
  expect(cells.map(({ a, b }) => `${a}-${b}`)).toEqual(['first-second', 'first-third', 'second-third']);
  const names = Object.keys(policies);
  for (const { a, b, rate, low, high, orderBias } of cells) {
    const wanted = winProbability(
      P,
      Float64Array.from(policies[a] as number[]),
      Float64Array.from(policies[b] as number[]),
    );
    expect(low).toBeLessThan(wanted);
    expect(high).toBeGreaterThan(wanted);
    expect(high - low).toBeLessThan(0.05);
    expect(w.p[names.indexOf(a) * 3 + names.indexOf(b)]).toBeCloseTo(rate, 12);
    expect(orderBias).toBeLessThan(1e-6);
  }
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) expect((w.p[i * 3 + j] as number) + (w.p[j * 3 + i] as number)).toBeCloseTo(1, 12);
  expect(cyclicShare(w).share).toBeGreaterThan(0.95);
  for (const rating of elo(w)) expect(Math.abs(rating)).toBeLessThan(40);
  for (const weight of nashAverage(w).weights) expect(weight).toBeCloseTo(1 / 3, 1);
  expect(w.completions.first).toHaveLength(2000);
  expect(await playMatrix(all, options)).toEqual(w);
  for (const { params } of Object.values(all)) disposeTree(params);
});

test('a preference for whoever comes first: a copy of the policy gets ½, and the asymmetry .8 is told', async () => {
  const params = table.params([0, 0, 0]);
  const copy = { policy: table, params };
  const first: PreferenceFn = (_, a) => a.map(() => 0.9);
  const w = await playMatrix({ policy: copy, copy }, { ...options, preference: first, samplesPerCell: 50 });
  expect(w.p[1]).toBeCloseTo(0.5, 6);
  expect(w.orderBias).toBeCloseTo(0.8, 6);
  const one = await playMatrix(
    { policy: copy, copy },
    { ...options, preference: first, samplesPerCell: 50, bothOrders: false },
  );
  expect(one.p[1]).toBeCloseTo(0.9, 6);
  expect(one.orderBias).toBeUndefined();
  // two players of one policy draw apart
  expect(w.completions.policy).not.toEqual(w.completions.copy);
  disposeTree(params);
});

test('a trained best response finds how exploitable a policy is', async () => {
  const victim = { policy: table, params: table.params((policies.first as number[]).map(Math.log)) };
  using trainer = new NashMdTrainer({
    ...{
      policy: table,
      params: table.params([0, 0, 0]),
      codec: table.codec,
      prompts: ['a'],
      preference,
      maxNewTokens: 1,
    },
    ...{ opponent: { kind: 'fixed', contestant: victim }, klCoef: 0.005, batchSize: 64, learningRate: 0.2, seed: 2 },
  });
  await trainer.run({ steps: 60 });
  const w = await playMatrix({ response: trainer.deployable(), victim }, { ...options, samplesPerCell: 1000 });
  const known = exploitability(P, Float64Array.from(policies.first as number[]));
  expect(known).toBeGreaterThan(0.25);
  expect(Math.abs((w.p[1] as number) - 0.5 - known)).toBeLessThan(0.05);
  disposeTree(victim.params);
});

test('what cannot be played is refused', async () => {
  const one = { policy: table, params: table.params([0, 0, 0]) };
  const play = (o: object, who: object = { a: one, b: one }) => playMatrix(who as never, { ...options, ...o });
  await expect(play({}, { a: one })).rejects.toThrow('contestants: nobody to compare; got 1');
  await expect(play({ confidnce: 0.9 })).rejects.toThrow('winRateMatrix: unknown option confidnce');
  await expect(play({ samples: 3 })).rejects.toThrow('unknown option samples');
  await expect(play({ prompts: [] })).rejects.toThrow('prompts: there are none');
  await expect(play({ confidence: 1 })).rejects.toThrow('confidence: out of range; got 1');
  await expect(play({ samplesPerCell: 0 })).rejects.toThrow('samplesPerCell: out of range; got 0');
  await expect(play({ temperature: 0, samplesPerCell: 3 })).rejects.toThrow(
    'samplesPerCell: at temperature 0 a prompt has one answer, and one comparison; got 3, wanted at most 2',
  );
  expect((await play({ temperature: 0, samplesPerCell: 2 })).samples[1]).toBe(2);
  await expect(play({ retries: -1 })).rejects.toThrow('retries: out of range; got -1');
  await expect(play({ samplesPerCell: 2, preference: () => [1, 2] })).rejects.toThrow('row 1: no probability; got 2');
  await expect(play({ signal: AbortSignal.abort() })).rejects.toThrow();
  disposeTree(one.params);
});
