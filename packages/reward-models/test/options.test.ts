// Options that are misspelt, or that would do nothing, are refused before anything is made.
import { dataset } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  ensemble,
  hackingMonitor,
  lengthReward,
  mixRewards,
  PreferenceTrainer,
  preferenceModel,
  RewardTrainer,
  rewardFn,
  rewardModel,
  SlotJudgeTrainer,
  shareOf,
  WarmTrainer,
} from '../src/index.ts';
import { colourPairs, colourRows, smallDecoder, wordTokenizer } from './helpers/toy.ts';

beforeAll(() => useBackend('auto'));

const tokenizer = wordTokenizer();
const [reward, preference] = [rewardModel(smallDecoder()), preferenceModel(smallDecoder())];
const common = { params: {}, tokenizer, data: colourPairs, seed: 0 };
const length = lengthReward({ max: 3 });
const slots = { words: ['a'], data: dataset([{ premise: 'a', hypothesis: 'a', label: 'entailment' }]), seed: 0 };
const warm = {
  ...{ model: reward, tokenizer, data: colourPairs, selection: colourPairs, runs: 2, stepsPerRun: 1, seed: 0 },
  ...{ init: { kind: 'shared', params: {} }, grid: { learningRate: [1e-3], dropout: [0] }, out: 'nowhere' },
};

it.each<[string, (o: object) => unknown, object, RegExp]>([
  ['RewardTrainer', (o) => new RewardTrainer(o as never), { ...common, model: reward, centreCoef: 0.1 }, /centerCoef/],
  [
    'PreferenceTrainer',
    (o) => new PreferenceTrainer(o as never),
    { ...common, model: preference, droput: 0 },
    /dropout/,
  ],
  ['WarmTrainer', (o) => new WarmTrainer(o as never), { ...warm, stepPerRun: 2 }, /stepsPerRun/],
  ['SlotJudgeTrainer', (o) => new SlotJudgeTrainer(o as never), { ...slots, widht: 3 }, /width/],
  ['hackingMonitor', (o) => hackingMonitor(o as never), { control: length, patience: 1, maxKL: 3 }, /maxKl/],
  ['ensemble', (o) => ensemble([length], o), { reduced: 'min' }, /reduce/],
  ['mixRewards', (o) => mixRewards([o as never]), { name: 'a', fn: length, wieght: 2 }, /weight/],
])('%s refuses a misspelt option and names the nearest', (name, make, options, near) => {
  const before = memory().numTensors;
  const call = () => make(options);
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  expect(call).toThrow(new RegExp(`^${name}.*: unknown option `));
  expect(call).toThrow(new RegExp(`Did you mean ${near.source}`));
  expect(memory().numTensors).toBe(before);
});

it('options without effect are refused', () => {
  const trainer = (o: object) => () => new RewardTrainer({ ...common, model: reward, ...o });
  expect(trainer({ keepBest: true })).toThrow(/RewardTrainer.keepBest: it has no effect.*Give evalData/);
  expect(trainer({ checkpointEvery: 5 })).toThrow(/RewardTrainer.checkpointEvery: it has no effect.*Give out/);
  const judge = (o: object) => () => new SlotJudgeTrainer({ ...slots, ...o } as never);
  expect(judge({ keepCheckpoints: 5 })).toThrow(/SlotJudgeTrainer.keepCheckpoints: it has no effect/);
  for (const name of ['evalEvery', 'overflow', 'gradientCheckpointing', 'keepBest', 'earlyStop'])
    expect(judge({ [name]: 1 })).toThrow(`unknown option ${name}`);
  expect(() => new PreferenceTrainer({ ...common, model: preference, centerCoef: 0.1 } as never)).toThrow(
    /unknown option centerCoef/,
  );
  for (const name of ['params', 'learningRate', 'dropout', 'evalData', 'evalEvery', 'keepBest', 'earlyStop'])
    expect(() => new WarmTrainer({ ...warm, [name]: 1 } as never)).toThrow(`unknown option ${name}`);
  expect(() => hackingMonitor({ control: length, patience: 1, kl: () => 0 })).toThrow(/kl: it has no effect/);
});

it('held-out pairs of which none counts have no loss', () => {
  const params = reward.init(rng(0));
  const before = memory().numTensors;
  const evalData = dataset(colourRows.map((row) => ({ ...row, weight: 0 })));
  expect(() => new RewardTrainer({ ...common, params, model: reward, evalData })).toThrow(
    /RewardTrainer.evalData: all weights are 0/,
  );
  // more than the trainers' numbers hold
  for (const column of ['weight', 'margin']) {
    const data = dataset([{ ...colourRows[0], [column]: 1e300 }] as typeof colourRows);
    expect(() => new RewardTrainer({ ...common, params, model: reward, data })).toThrow(
      `column ${column} is out of range`,
    );
  }
  expect(memory().numTensors).toBe(before);
  disposeTree(params);
});

it('what is no number is refused where it is given', () => {
  const stats = { mean: Number.NaN, std: 1 };
  expect(() => rewardFn(reward, {}, tokenizer, { stats })).toThrow(/rewardFn.stats.mean/);
  expect(() => lengthReward({ min: Number.POSITIVE_INFINITY })).toThrow(/bounds/);
  expect(() => ensemble([null as never, length])).toThrow(/ensemble, member 1: no function/);
  const reduce = { meanMinusVariance: Number.POSITIVE_INFINITY };
  expect(() => ensemble([length, length], { reduce })).toThrow(/reduce: out of range/);
  for (const [hits, n] of [
    [5, 3],
    [Number.NaN, 3],
    [-1, 3],
    [1, 2.5],
  ] as const)
    expect(() => shareOf(hits, n)).toThrow(/shareOf: no share/);
});
