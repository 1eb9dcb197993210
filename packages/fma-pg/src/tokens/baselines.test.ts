import { useBackend } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';
import { alphaToBeta, baselineAdvantages, betaToAlpha, klRewards } from '../index.ts';
import { flatGroupShare, positionAdvantages, returnsToGo, tokenGae } from './baselines.ts';

beforeAll(() => useBackend('auto'));

const list = (x: Float32Array): number[] => [...x];
const groups = (...x: number[]): Int32Array => Int32Array.from(x);

describe('baselines', () => {
  test('equal rewards and a group of one give 0; two give −1 and 1 before scaling', () => {
    const group = { baseline: 'group' } as const;
    expect(list(baselineAdvantages([2, 2, 2, 2], groups(0, 0, 0, 0), { ...group, normalize: 'group' }))).toEqual([
      0, 0, 0, 0,
    ]);
    expect(list(baselineAdvantages([1], groups(0), { ...group, normalize: 'group' }))).toEqual([0]);
    // beside the batch's mean too, 2.5 here: the 3 of a flat group are no outliers
    const beside = { baseline: 'batch', normalize: 'group' } as const;
    expect(list(baselineAdvantages([3, 3, 0, 4], groups(0, 0, 1, 1), beside)).slice(0, 2)).toEqual([0, 0]);
    expect(list(baselineAdvantages([1, 3], groups(0, 0), group))).toEqual([-1, 1]);
    const scaled = list(baselineAdvantages([1, 3], groups(0, 0), { ...group, normalize: 'group' }));
    expect(scaled).toEqual([-1, 1].map((v) => expect.closeTo(v / (Math.SQRT2 + 1e-4), 5)));
    expect(flatGroupShare([2, 2, 1, 3, 7], groups(0, 0, 1, 1, 2))).toBe(0.5);
  });

  test('a completion without a reward is in no baseline and gets 0', () => {
    const rewards = [null, 1, 3];
    expect(list(baselineAdvantages(rewards, groups(0, 0, 0), { baseline: 'group' }))).toEqual([0, -1, 1]);
    expect(list(baselineAdvantages(rewards, groups(0, 0, 0), { baseline: 'leave-one-out' }))).toEqual([0, -2, 2]);
    expect(list(baselineAdvantages([4, null, 2, 0], groups(0, 0, 1, 1), { baseline: 'batch' }))).toEqual([2, 0, 0, -2]);
  });

  test('options, choices and rewards that are none are refused by name', () => {
    const of = (rewards: unknown[], o: object): unknown =>
      baselineAdvantages(rewards as number[], groups(...rewards.map(() => 0)), { baseline: 'group', ...o } as never);
    for (const [rewards, o, text, code] of [
      [
        [1, 2],
        { normalise: 'group' },
        'unknown option normalise; wanted one of baseline, normalize. Did you mean normalize?',
        'ERR_CONFIG',
      ],
      [[1, 2], { normalize: 'grp' }, 'baselineAdvantages.normalize: no such choice; got "grp"', 'ERR_CONFIG'],
      [[1, 2], { normalize: 'grou' }, 'Did you mean group?', 'ERR_CONFIG'],
      [[1, 2], { normalize: true }, 'baselineAdvantages.normalize: no such choice; got true', 'ERR_CONFIG'],
      [[1, 2], { baseline: 'groups' }, 'Did you mean group?', 'ERR_CONFIG'],
      [[1, Number.NaN], {}, 'baselineAdvantages, rewards[1]: no reward; got NaN', 'ERR_DATA'],
      [[undefined, 1], {}, 'baselineAdvantages, rewards[0]: no reward', 'ERR_DATA'],
    ] as const) {
      expect(() => of([...rewards], o)).toThrow(text);
      expect(() => of([...rewards], o)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => baselineAdvantages([1], groups(0), undefined as never)).toThrow('the options are no object');
    const two = tensor2d([[1, 2]]);
    const o = { klCoef: 0.1, klMixing: 'additive' };
    const kl = (...x: unknown[]): unknown => klRewards(...(x as Parameters<typeof klRewards>));
    for (const [call, text] of [
      [() => kl([[1, 2]], two, two, Float32Array.of(1), o), 'klRewards: logProbs is no tensor; got "object"'],
      [() => kl(two, two, undefined, Float32Array.of(1), o), 'klRewards: mask is missing; wanted a tensor'],
      [() => kl(two, two, two, Float32Array.of(1)), 'klRewards: the options are no object; got "undefined"'],
      [() => kl(two, two, two, Float32Array.of(1), { ...o, klcoef: 1 }), 'Did you mean klCoef?'],
      [
        () => kl(two, two, two, Float32Array.of(1), { ...o, klCoef: Number.POSITIVE_INFINITY }),
        'wanted a finite number ≥ 0',
      ],
      [() => kl(two, two, two, undefined, o), 'klRewards: terminal is no Float32Array; got "undefined"'],
    ] as const) {
      expect(call).toThrow(text);
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    }
  });

  test('answers of 2 and 4 tokens in a batch of width 5: returns are 1 at every real token, 0 at pads', () => {
    const rows = { width: 5, lengths: groups(2, 4) };
    const mask = tensor2d([
      [1, 1, 0, 0, 0],
      [1, 1, 1, 1, 0],
    ]);
    const zero = tensor2d(new Float32Array(10), [2, 5]);
    const rewards = klRewards(zero, zero, mask, Float32Array.of(1, 1), {
      klCoef: 0,
      klMixing: 'additive',
    }).dataSync<'float32'>();
    expect(list(rewards)).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(list(returnsToGo(rewards, rows))).toEqual([1, 1, 0, 0, 0, 1, 1, 1, 1, 0]);
  });

  test('rewards of the KL by hand, additive and convex; nothing at padding', () => {
    const [p, ref] = [tensor2d([[-1, -2, -9]]), tensor2d([[-1.5, -1, 0]])];
    const mask = tensor2d([[1, 1, 0]]);
    const of = (klCoef: number, klMixing: 'additive' | 'convex'): number[] =>
      list(klRewards(p, ref, mask, Float32Array.of(2), { klCoef, klMixing }).dataSync<'float32'>());
    // log p − log ref = .5, −1
    expect(of(0.1, 'additive')).toEqual([-0.05, 0.1 + 2, 0].map((v) => expect.closeTo(v, 6)));
    expect(of(0.25, 'convex')).toEqual([-0.125, 0.25 + 1.5, 0].map((v) => expect.closeTo(v, 6)));
    expect(() => klRewards(p, ref, mask, Float32Array.of(2), { klCoef: 1.1, klMixing: 'convex' })).toThrow(
      'klCoef: out of range; got 1.1, wanted a number from 0 to 1',
    );
    expect(alphaToBeta(0.5)).toBe(1);
    expect(betaToAlpha(alphaToBeta(0.3))).toBeCloseTo(0.3, 12);
  });

  test('position by position: the mean of the others that are as long, else their last', () => {
    // returns 4 3 | 2 1 | 0
    const returns = Float32Array.of(4, 3, 2, 1, 0, 0);
    const rows = { width: 2, lengths: groups(2, 2, 1) };
    const own = groups(0, 1, 2);
    expect(list(positionAdvantages(returns, rows, own, 'batch'))).toEqual([2, 1, 0, -1, -2, 0]);
    expect(list(positionAdvantages(returns, rows, own, 'leave-one-out'))).toEqual([3, 2, 0, -2, -3, 0]);
    const two = { width: 2, lengths: groups(2, 1) };
    // at the second position nobody is left: the other's last return
    expect(list(positionAdvantages(Float32Array.of(5, 4, 1, 0), two, groups(0, 0), 'leave-one-out'))).toEqual([
      4, 3, -4, 0,
    ]);
  });

  test('at the tail of the longest, its own return is not among those that stand in for its peers', () => {
    // returns 5 4 | 1, of one prompt; 8 7 of another
    const returns = Float32Array.of(5, 4, 1, 0, 8, 7);
    const rows = { width: 2, lengths: groups(2, 1, 2) };
    // first position: the mean of 5 and 1; second: 4 less the 1 that the other ended with
    expect(list(positionAdvantages(returns, rows, groups(0, 0, 1), 'group'))).toEqual([2, 3, -2, 0, 0, 0]);
    const two = { width: 2, lengths: groups(2, 1) };
    expect(list(positionAdvantages(returns.slice(0, 4), two, groups(0, 0), 'batch'))).toEqual([2, 3, -2, 0]);
  });

  test('GAE over tokens by hand', () => {
    const { advantages, returns } = tokenGae(
      Float32Array.of(0, 1, 9),
      Float32Array.of(0.5, 0.25, 7),
      { width: 3, lengths: groups(2) },
      0.5,
    );
    // δ₁ = 1 − .25; δ₀ = .25 − .5; A₀ = −.25 + .5·.75
    expect(list(advantages)).toEqual([0.125, 0.75, 0]);
    expect(list(returns)).toEqual([0.625, 1, 0]);
  });
});
