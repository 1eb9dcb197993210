import { rng } from '@gimbal/tensor-core';
import { apart, distribution, refusal } from '../../test/helpers.ts';
import { preferenceGames } from '../games/preference-games.ts';
import { checkPreferences, preferenceMatrix } from '../games/preference-matrix.ts';
import { exploitability } from '../measures/measures.ts';
import { fitBradleyTerry } from './bradley-terry.ts';
import { clopperPearson } from './clopper-pearson.ts';
import { cyclicShare } from './cyclic-share.ts';
import { elo } from './elo.ts';
import { nashAverage } from './nash-average.ts';
import { type WinRateMatrix, winRates, winRatesFromCounts } from './win-rates.ts';

const { annotatorTypes, bradleyTerry, condorcet, cyclic, dice, random } = preferenceGames;

describe('Clopper–Pearson', () => {
  /** P(X ≥ k), X binomial, summed term by term. */
  const atLeast = (k: number, trials: number, share: number): number => {
    let total = 0;
    let log = trials * Math.log1p(-share);
    for (let i = 0; i <= trials; i++) {
      if (i >= k) total += Math.exp(log);
      log += Math.log((trials - i) / (i + 1)) + Math.log(share / (1 - share));
    }
    return total;
  };

  test('its ends are where the binomial tails are (1 − confidence)/2', () => {
    for (const [k, trials, confidence] of [
      [3, 10, 0.95],
      [598, 1000, 0.95],
      [1, 2, 0.9],
      [999, 1000, 0.99],
      [57, 131, 0.8],
    ] as const) {
      const [low, high] = clopperPearson(k, trials, confidence);
      expect(atLeast(k, trials, low)).toBeCloseTo((1 - confidence) / 2, 9);
      expect(1 - atLeast(k + 1, trials, high)).toBeCloseTo((1 - confidence) / 2, 9);
    }
  });

  // scipy 1.17.1: beta.ppf(tail, k, N − k + 1), beta.isf(tail, k + 1, N − k)
  test.each([
    [1, 1e6, 0.95, 2.53178076637942e-8, 5.571630655166939e-6],
    [999_999, 1e6, 0.99, 0.999992569894388, 0.9999999949874582],
    [3e6, 1e7, 0.95, 0.29971598216542433, 0.3002841336338419],
    [1e9, 1e12, 0.95, 0.0009999380524385495, 0.0010000619504500036],
    [3, 1e15, 0.95, 6.186721228956021e-16, 8.767273069742306e-15],
    [1, 2 ** 53, 0.95, 2.8108413357197268e-18, 6.185766777620945e-16],
    [12345, 2 ** 53, 0.95, 1.3464985690768956e-12, 1.3949643892134025e-12],
    [50, 100, 1 - 1e-12, 0.18144820387271735, 0.8185517961272827],
  ])('%d of %d at %d: as scipy has it, at once', (k, trials, confidence, low, high) => {
    const [from, to] = clopperPearson(k, trials, confidence);
    const width = high - low;
    expect(Math.abs(from - low) / width).toBeLessThan(1e-8);
    expect(Math.abs(to - high) / width).toBeLessThan(1e-8);
    expect(Math.abs(from / low - 1)).toBeLessThan(1e-11);
    expect(Math.abs(to / high - 1)).toBeLessThan(1e-11);
  });

  test('half of the most there can be: ½ ± 1.96/(2√N); more are refused', () => {
    const [low, high] = clopperPearson(2 ** 52, 2 ** 53);
    expect((high - low) / (1.959963984540054 / Math.sqrt(2 ** 53))).toBeCloseTo(1, 6);
    expect(refusal(() => clopperPearson(0, 1e308))).toMatch('trials: out of range; got 1e+308, wanted a number from 0');
    expect(refusal(() => winRatesFromCounts(['x', 'y'], Float64Array.of(0, 3, 1e308, 0)))).toMatch(
      'ERR_DATA: winRates, wins of x against y: too many to be counted; got 1e+308, wanted at most 2^53',
    );
  });

  test('none and all, by hand: 1 − .025^(1/N)', () => {
    expect(clopperPearson(0, 10)[0]).toBe(0);
    expect(clopperPearson(0, 10)[1]).toBeCloseTo(1 - 0.025 ** 0.1, 13);
    expect(clopperPearson(10, 10)[0]).toBeCloseTo(0.025 ** 0.1, 13);
    expect(clopperPearson(0, 0)).toEqual([0, 1]);
    // the paper: 2,000 comparisons a cell, half-width at most .023; 1,000 and .032
    expect((clopperPearson(1000, 2000)[1] - clopperPearson(1000, 2000)[0]) / 2).toBeCloseTo(0.0222, 3);
    expect((clopperPearson(500, 1000)[1] - clopperPearson(500, 1000)[0]) / 2).toBeCloseTo(0.0315, 3);
    expect(clopperPearson(500_000, 1_000_000)[0]).toBeCloseTo(0.5 - 1.96 * 0.0005, 5);
  });
});

describe('win rates', () => {
  test('1 win, 1 loss, 98 ties, then all ties: ½ with an interval, W + Wᵀ = 1', () => {
    const ties = Array.from({ length: 98 }, () => ({ a: 'a', b: 'b', score: 0.5 }));
    const some = winRates([...ties, { a: 'a', b: 'b', score: 1 }, { a: 'b', b: 'a', score: 1 }]);
    const none = winRates([...ties, ...ties.slice(0, 2)]);
    for (const w of [some, none]) {
      expect(w.p).toEqual(Float64Array.of(0.5, 0.5, 0.5, 0.5));
      expect(w.samples).toEqual(Float64Array.of(0, 100, 100, 0));
      expect([w.low[1], w.high[1]]).toEqual(clopperPearson(50, 100));
      checkPreferences(w);
    }
  });

  test('intervals of a pair mirror each other; pairs that never met are unknown', () => {
    const w = winRatesFromCounts(['a', 'b', 'c'], Float64Array.of(0, 30, 0, 10, 0, 5, 0, 0, 0), { confidence: 0.9 });
    expect([w.p[1], w.p[3]]).toEqual([0.75, 0.25]);
    expect([w.low[3], w.high[3]]).toEqual([1 - (w.high[1] as number), 1 - (w.low[1] as number)]);
    expect([w.p[2], w.low[2], w.high[2], w.samples[2]]).toEqual([0.5, 0, 1, 0]);
    expect([w.low[4], w.high[4]]).toEqual([0.5, 0.5]);
    expect(exploitability(w, Float64Array.of(0, 1, 0))).toBe(0.25);
  });

  test('the interval covers the truth about as often as it says', () => {
    const r = rng(1);
    let covered = 0;
    for (let k = 0; k < 400; k++) {
      let wins = 0;
      for (let i = 0; i < 50; i++) if (r.uniform() < 0.3) wins++;
      const [low, high] = clopperPearson(wins, 50);
      if (low <= 0.3 && 0.3 <= high) covered++;
    }
    expect(covered / 400).toBeGreaterThanOrEqual(0.94);
    expect(covered / 400).toBeLessThan(0.995);
  });

  test('what cannot be counted is refused', () => {
    expect(refusal(() => winRates([{ a: 'x', b: 'x', score: 1 }]))).toMatch('comparison 0: a contestant meets itself');
    expect(refusal(() => winRates([{ a: 'x', b: 'y', score: 2 }]))).toMatch('comparison 0: no score; got 2');
    expect(refusal(() => winRates([{ a: 'x', b: 'z', score: 1 }], { labels: ['x', 'y'] }))).toMatch(
      'no such contestant; got "z", wanted one of x, y',
    );
    expect(refusal(() => winRates([], { labels: ['x'], confidence: 1 }))).toMatch('confidence: out of range; got 1');
    expect(refusal(() => winRates([]))).toMatch('contestants: out of range; got 0');
    expect(refusal(() => winRatesFromCounts(['x', 'y'], Float64Array.of(0, -1, 0, 0)))).toMatch(
      'wins of x against y: no count; got -1',
    );
  });
});

describe('Bradley–Terry', () => {
  test('gets back the rewards that made the matrix, whatever pairs are compared how often', () => {
    const r = Float64Array.of(0.3, -1.2, 2.5, -1.6);
    const uneven = Float64Array.of(0, 1, 9, 0.1, 1, 0, 2, 0, 9, 2, 0, 0, 0.1, 0, 0, 0);
    expect(apart(fitBradleyTerry(bradleyTerry(r)), r)).toBeLessThan(1e-12);
    expect(apart(fitBradleyTerry(bradleyTerry(r), uneven), r)).toBeLessThan(1e-12);
  });

  test('a cycle has no rewards; those of the annotator types depend on the sampling', () => {
    for (const P of [cyclic(0.9), dice(), condorcet()])
      expect(apart(fitBradleyTerry(P), new Float64Array(3))).toBeLessThan(1e-12);
    expect(apart(fitBradleyTerry(annotatorTypes(0.1)), Float64Array.of(0.1003, -0.1003, 0))).toBeLessThan(5e-5);
    const w = [0.6, 0.3, 0.1];
    const weights = Float64Array.from(
      { length: 9 },
      (_, at) => (w[Math.floor(at / 3)] as number) * (w[at % 3] as number),
    );
    expect(
      apart(fitBradleyTerry(annotatorTypes(0.1), weights), Float64Array.of(-0.0334, 0.2353, -0.2019)),
    ).toBeLessThan(5e-5);
  });

  test('at the fit everyone wins as often as they should: Σ_j w P = Σ_j w σ', () => {
    const P = random(9, rng(4));
    const r = fitBradleyTerry(P);
    for (let i = 0; i < 9; i++) {
      let left = 0;
      for (let j = 0; j < 9; j++)
        left += (P.p[i * 9 + j] as number) - 1 / (1 + Math.exp((r[j] as number) - (r[i] as number)));
      expect(Math.abs(left)).toBeLessThan(1e-12);
    }
  });

  test('no finite rewards, no fit', () => {
    expect(refusal(() => fitBradleyTerry(random(3, rng(1)), Float64Array.of(0, 1, 0, 1, 0, 0, 0, 0, 0)))).toMatch(
      'no chain of comparisons connects 0 and 2: their rewards cannot be compared. Compare more pairs',
    );
    expect(
      refusal(() =>
        fitBradleyTerry(
          preferenceMatrix(
            [
              [0.5, 1],
              [0, 0.5],
            ],
            ['x', 'y'],
          ),
        ),
      ),
    ).toMatch('x and y are separated');
    expect(refusal(() => fitBradleyTerry(cyclic(1), Float64Array.of(0, 1, 0, 2, 0, 0, 0, 0, 0)))).toMatch(
      'not symmetric',
    );
  });
});

test('Elo: 400 points are odds of 10 to 1; a prior draw keeps a clean sheet finite', () => {
  const w = winRatesFromCounts(['a', 'b'], Float64Array.of(0, 1000, 100, 0));
  expect(elo(w, { prior: 0 })[0]).toBeCloseTo(200, 9);
  expect(elo(w, { prior: 0 })[1]).toBeCloseTo(-200, 9);
  // 9 wins of 9 and a draw: odds 9.5 to .5
  const clean = winRatesFromCounts(['a', 'b'], Float64Array.of(0, 9, 0, 0));
  expect(elo(clean)[0]).toBeCloseTo(200 * Math.log10(19), 9);
  expect(refusal(() => elo(clean, { prior: 0 }))).toMatch('a and b are separated');
  expect(refusal(() => elo(clean, { prior: -1 }))).toMatch('elo, prior: out of range; got -1');
});

describe('Nash averaging', () => {
  test('a winner takes all; a cycle shares; a loser changes nothing', () => {
    const ranking = nashAverage(bradleyTerry(Float64Array.of(0, 3, 1)));
    expect(apart(ranking.weights, Float64Array.of(0, 1, 0))).toBeLessThan(1e-6);
    expect(ranking.skill[0]).toBeCloseTo(1 / (1 + Math.exp(3)) - 0.5, 6);
    const margins = preferenceMatrix([
      [0.5, 0.6, 0.2, 0.9],
      [0.4, 0.5, 0.7, 0.9],
      [0.8, 0.3, 0.5, 0.9],
      [0.1, 0.1, 0.1, 0.5],
    ]);
    const { weights, skill } = nashAverage(margins);
    expect(apart(weights, Float64Array.of(2 / 6, 3 / 6, 1 / 6, 0))).toBeLessThan(1e-3);
    expect(apart(skill, Float64Array.of(0, 0, 0, -0.4))).toBeLessThan(1e-3);
  });

  test('a copy shares its weight and leaves all skills as they were', () => {
    const [a, b] = [0.8, 0.2];
    const twice = preferenceMatrix([
      [0.5, a, b, 0.5],
      [b, 0.5, a, b],
      [a, b, 0.5, a],
      [0.5, a, b, 0.5],
    ]);
    expect(apart(nashAverage(twice).weights, Float64Array.of(1 / 6, 1 / 3, 1 / 3, 1 / 6))).toBeLessThan(1e-3);
    expect(apart(nashAverage(twice).skill, new Float64Array(4))).toBeLessThan(1e-3);
    // all even: every policy is an equilibrium, the one of largest entropy is uniform
    expect(
      apart(
        nashAverage(
          preferenceMatrix([
            [0.5, 0.5],
            [0.5, 0.5],
          ]),
        ).weights,
        Float64Array.of(0.5, 0.5),
      ),
    ).toBeLessThan(1e-9);
  });
});

describe('the cyclic share', () => {
  test('1 for a cycle, 0 for scores, by hand in between', () => {
    expect(cyclicShare(cyclic(0.8)).share).toBeCloseTo(1, 14);
    expect(cyclicShare(cyclic(0.8)).cyclicTriples).toBe(1);
    const r = Float64Array.of(0.1, -0.4, 2, 1);
    expect(cyclicShare(bradleyTerry(r), { margins: 'log-odds' }).share).toBeLessThan(1e-28);
    expect(
      apart(
        cyclicShare(bradleyTerry(r), { margins: 'log-odds' }).scores,
        r.map((x) => x - 0.675),
      ),
    ).toBeLessThan(1e-14);
    // margins .3, .1, .1 around a circle: curl .5/3 on each edge; share 3 (1/6)²/(.09 + .01 + .01)
    const P = preferenceMatrix([
      [0.5, 0.8, 0.4],
      [0.2, 0.5, 0.6],
      [0.6, 0.4, 0.5],
    ]);
    expect(cyclicShare(P).share).toBeCloseTo((3 * (0.5 / 3) ** 2) / 0.11, 13);
    expect(cyclicShare(condorcet([[0, 1, 2, 3]])).cyclicTriples).toBe(0);
    expect(cyclicShare(preferenceMatrix([[0.5]])).share).toBe(0);
  });

  test('both parts add up and are orthogonal, on random matrices', () => {
    for (let seed = 0; seed < 10; seed++) {
      const P = random(7, rng(seed));
      const { share, scores, cyclic: rest } = cyclicShare(P);
      let [inner, all] = [0, 0];
      for (let i = 0; i < 7; i++) {
        let row = 0;
        for (let j = 0; j < 7; j++) {
          const gradient = (scores[i] as number) - (scores[j] as number);
          inner += gradient * (rest[i * 7 + j] as number);
          all += ((P.p[i * 7 + j] as number) - 0.5) ** 2;
          row += rest[i * 7 + j] as number;
        }
        expect(Math.abs(row)).toBeLessThan(1e-13);
      }
      expect(Math.abs(inner)).toBeLessThan(1e-13);
      expect(rest.reduce((sum, v) => sum + v * v, 0) / all).toBeCloseTo(share, 13);
      // of all scores these leave least: any others leave more
      const other = distribution(7, rng(seed));
      let left = 0;
      for (let i = 0; i < 7; i++)
        for (let j = 0; j < 7; j++)
          left += ((P.p[i * 7 + j] as number) - 0.5 - (other[i] as number) + (other[j] as number)) ** 2;
      expect(left / all).toBeGreaterThan(share);
    }
  });

  test('log-odds of 0 and 1 are refused', () => {
    expect(refusal(() => cyclicShare(cyclic(1), { margins: 'log-odds' }))).toMatch(
      'row 0, column 1: log-odds are infinite; got 1',
    );
  });
});

test('a matrix that was not measured has no rating; no two contestants have one name', () => {
  expect(refusal(() => elo(cyclic(1) as WinRateMatrix))).toMatch(
    'ERR_DATA: elo, samples: a matrix without the numbers of comparisons; got "none", wanted 3 × 3',
  );
  const double = 'ERR_DATA: winRates, labels: two of one name; got "a"';
  expect(refusal(() => winRates([{ a: 'a', b: 'b', score: 1 }], { labels: ['a', 'a', 'b'] }))).toMatch(double);
  expect(refusal(() => winRatesFromCounts(['b', 'a', 'a'], new Float64Array(9)))).toMatch(double);
});

test('one contestant alone has a rating, an average and a fit', () => {
  const alone = winRatesFromCounts(['a'], new Float64Array(1));
  expect(elo(alone)).toEqual(Float64Array.of(0));
  expect(nashAverage(alone).weights).toEqual(Float64Array.of(1));
});

test('a score that is no number is no defeat', () => {
  const score = null as unknown as number;
  expect(refusal(() => winRates([{ a: 'x', b: 'y', score }]))).toMatch('comparison 0: no score; got null');
});
