import type { TokenPolicy } from '@gimbal/tensor-core';
import { bestOfN, rerank } from './best-of-n.ts';
import { bonCurve } from './bon-curve.ts';
import { bonKl, bonKlEstimate } from './bon-kl.ts';

describe('KL of best-of-n', () => {
  it('is the paper’s numbers', () => {
    const found = [1, 2, 4, 8, 16, 64, 256, 1000].map((n) => Number(bonKl(n).toFixed(3)));
    expect(found).toEqual([0, 0.193, 0.636, 1.204, 1.835, 3.175, 4.549, 5.909]);
    expect(() => bonKl(0)).toThrow(/bad count; got 0/);
  });

  it('is estimated between 0 and the bound, and for two answers near the exact KL', () => {
    expect(bonKlEstimate([-60, -80], 8)).toBeCloseTo(bonKl(8), 12);
    expect(bonKlEstimate([0], 8)).toBe(0);
    // two answers of probability ½: best-of-4 is the better one with 1 − 1/16
    const q = 15 / 16;
    const exact = q * Math.log(2 * q) + (1 - q) * Math.log(2 * (1 - q));
    const estimate = bonKlEstimate([Math.log(0.5)], 4);
    expect(bonKl(4) - estimate).toBeGreaterThan(0.1);
    expect(Math.abs(estimate - exact)).toBeLessThan(Math.abs(bonKl(4) - exact));
    expect(() => bonKlEstimate([0.1], 2)).toThrow(/pick 0 has no log-probability/);
    expect(() => bonKlEstimate([], 2)).toThrow(/there are no picks/);
  });
});

describe('the curve of best-of-n', () => {
  it('is the mean over all subsets, counted out', () => {
    const [proxy, gold] = [
      [3, 1, 2, 2],
      [10, 0, 4, 8],
    ];
    const [one, two, four] = bonCurve(proxy, gold, 4, [1, 2, 4]);
    expect(one?.gold).toBeCloseTo(22 / 4, 12);
    // pairs: with 3: 10 three times; {1,2a}, {1,2b}, {2a,2b}: ties share (4 + 8)/2 = 6 each
    expect(two?.gold).toBeCloseTo((3 * 10 + 3 * 6) / 6, 12);
    expect(two?.proxy).toBeCloseTo((3 * 3 + 3 * 2) / 6, 12);
    expect(four).toMatchObject({ n: 4, kl: bonKl(4), proxy: 3, gold: 10 });
    // two prompts are averaged
    expect(bonCurve([...proxy, 0, 0, 0, 0], [...gold, 2, 2, 2, 2], 4, [4])[0]?.gold).toBe(6);
    expect(bonCurve(proxy, gold, 4, [3])[0]?.gold).toBeCloseTo((3 * 10 + 6) / 4, 12);
  });

  it('sums to one for large pools, and refuses what is no pool', () => {
    const scores = Float64Array.from({ length: 1000 }, (_, i) => i);
    const ones = new Float64Array(1000).fill(1);
    for (const { gold } of bonCurve(scores, ones, 1000, [1, 7, 500, 1000])) expect(gold).toBeCloseTo(1, 10);
    // of n uniform draws from 0 … N−1 without replacement the largest is n (N + 1)/(n + 1) − 1
    expect(bonCurve(scores, scores, 1000, [9])[0]?.gold).toBeCloseTo((9 * 1001) / 10 - 1, 8);
    expect(() => bonCurve([1, 2, 3], [1, 2, 3], 2, [1])).toThrow(/whole pools/);
    expect(() => bonCurve([1, Number.NaN], [1, 2], 2, [1])).toThrow(/answer 1: a score is no number/);
    expect(() => bonCurve([1, 2], [1, 2], 2, [3])).toThrow(/larger than the pool; got 3, wanted 2/);
  });
});

describe('picking', () => {
  const reward = (_: readonly string[], texts: readonly string[]) => texts.map((text) => text.length);

  it('keeps the best, of equals the first, and leaves abstentions out', async () => {
    const picks = await rerank(reward, ['p', 'q'], [['a', 'bbb', 'ccc'], ['d']]);
    expect(picks.map((p) => [p.completion, p.index, p.reward])).toEqual([
      ['bbb', 1, 3],
      ['d', 0, 1],
    ]);
    const some = await rerank(() => [null, -1, null], ['p'], [['a', 'b', 'c']]);
    expect(some[0]?.completion).toBe('b');
    await expect(rerank(() => [null], ['p'], [['a']])).rejects.toThrow(/prompt 0: the reward abstains on all/);
    await expect(rerank(() => [Number.NaN], ['p'], [['a']])).rejects.toThrow(/row 0: no reward; got "NaN"/);
    await expect(rerank(reward, ['p'], [[]])).rejects.toThrow(/prompt 0: it has no answers/);
  });

  it('samples N answers a prompt, each prompt from a stream of its own', async () => {
    const policy = {
      sample: async (_, prompts, { rng }) => {
        const lengths = prompts.lengths.map(() => 1 + rng.int(5));
        return { ids: new Int32Array(lengths.length * 5).fill(7), width: 5, lengths };
      },
    } as TokenPolicy;
    const codec = {
      encode: (texts: readonly string[]) => ({
        ids: new Int32Array(texts.length),
        width: 1,
        lengths: new Int32Array(texts.length).fill(1),
      }),
      decode: ({ lengths }: { lengths: Int32Array }) => Array.from(lengths, (n) => 'x'.repeat(n)),
    };
    const run = async (prompts: string[], o: object = {}) => {
      const picks = [];
      const options = { codec, n: 6, maxNewTokens: 5, seed: 1, ...o };
      for await (const pick of bestOfN(policy, {}, reward, prompts, options)) picks.push(pick);
      return picks;
    };
    const [a, b] = await run(['p', 'q']);
    expect(a?.completions).toHaveLength(6);
    expect(a?.reward).toBe(Math.max(...((a?.rewards ?? []) as number[])));
    expect(b?.completions).not.toEqual(a?.completions);
    expect(await run(['p'])).toEqual([a]);
    await expect(run(['p'], { n: 0 })).rejects.toThrow(/bestOfN.n: bad count/);
    await expect(run(['p'], { temperature: 0 })).rejects.toThrow(/Greedy answers are all the same/);
    await expect(run(['p'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_STOPPED' });
  });
});
