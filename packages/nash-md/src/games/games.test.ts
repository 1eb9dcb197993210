import { rng } from '@gimbal/tensor-core';
import { refusal } from '../../test/helpers.ts';
import { preferenceGames } from './preference-games.ts';
import { checkPreferences, orderBias, preferenceMatrix, symmetrise } from './preference-matrix.ts';
import { regularizedGame } from './regularized-game.ts';

const rows = ({ n, p }: { n: number; p: Float64Array }): number[][] =>
  Array.from({ length: n }, (_, i) => Array.from(p.subarray(i * n, (i + 1) * n)));

test('the dice beat each other in a circle with 5/9, counted by hand', () => {
  // 2-4-9 against 1-6-8: 2>1, 4>1, 9>1, 9>6, 9>8; 1-6-8 against 3-5-7: 6>3, 6>5, 8>3, 8>5, 8>7; 3-5-7 against 2-4-9:
  // 3>2, 5>2, 5>4, 7>2, 7>4
  const { p } = preferenceGames.dice();
  for (const at of [1, 5, 6]) expect(p[at]).toBeCloseTo(5 / 9, 15);
  checkPreferences(preferenceGames.dice());
});

test("Condorcet's three rankings make a cycle of 2/3, one ranking an order", () => {
  const cycle = rows(preferenceGames.condorcet());
  expect(cycle[0]?.[1]).toBeCloseTo(2 / 3, 15);
  expect(cycle[1]?.[2]).toBeCloseTo(2 / 3, 15);
  expect(cycle[2]?.[0]).toBeCloseTo(2 / 3, 15);
  expect(rows(preferenceGames.condorcet([[2, 0, 1]]))).toEqual([
    [0.5, 1, 0],
    [0, 0.5, 0],
    [1, 1, 0.5],
  ]);
  expect(
    preferenceGames.condorcet(
      [
        [0, 1],
        [1, 0],
      ],
      [3, 1],
    ).p[1],
  ).toBeCloseTo(0.75, 15);
});

test('the annotator types are the population that the paper describes', () => {
  const eps = 0.1;
  const weights = [1 / 3 - eps, 1 / 3 + eps / 2, 1 / 3 + eps / 2];
  const likes = [
    [1, 0],
    [0, 2],
    [2, 1],
  ]; // of each type: the one it prefers, to the other; ties otherwise
  const P = rows(preferenceGames.annotatorTypes(eps));
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      let wanted = 0;
      for (const [k, [better, worse]] of likes.entries())
        wanted += (weights[k] as number) * (i === better && j === worse ? 1 : i === worse && j === better ? 0 : 0.5);
      expect(P[i]?.[j]).toBeCloseTo(wanted, 14);
    }
  }
});

test('every constructor makes a preference matrix', () => {
  const games = [
    preferenceGames.cyclic(1),
    preferenceGames.cyclic(0.8, 7),
    preferenceGames.dice(),
    preferenceGames.condorcet(),
    preferenceGames.annotatorTypes(-1 / 3),
    preferenceGames.bradleyTerry(Float64Array.of(0, 800, -800)),
    preferenceGames.random(20, rng(1)),
    preferenceMatrix([[0.5]]),
  ];
  for (const game of games) expect(() => checkPreferences(game)).not.toThrow();
  expect(preferenceGames.cyclic(0.8, 4).p[3]).toBeCloseTo(0.2, 15); // the last beats the first
});

test('who always says .9 for the first is even when both orders are asked, and its bias is .8', () => {
  const entries = new Float64Array(4).fill(0.9);
  expect(orderBias(2, entries)).toBeCloseTo(0.8, 15);
  expect(symmetrise(2, entries).p).toEqual(new Float64Array(4).fill(0.5));
  expect(orderBias(3, preferenceGames.dice().p)).toBe(0);
});

test('what is no preference matrix or no game is refused, with the entry and what to do', () => {
  expect(
    refusal(() =>
      preferenceMatrix([
        [0.5, 0.8],
        [0.3, 0.5],
      ]),
    ),
  ).toBe(
    'ERR_DATA: preference matrix, rows 0 and 1: P[i][j] + P[j][i] is not 1; got 1.1, wanted 1 ± 1e-6. symmetrise(n, entries) averages both orders.',
  );
  expect(refusal(() => preferenceMatrix([[0.4]]))).toMatch(
    'diagonal entry 0: a response against itself is not even; got 0.4',
  );
  expect(
    refusal(() =>
      preferenceMatrix([
        [0.5, 1.2],
        [-0.2, 0.5],
      ]),
    ),
  ).toMatch('row 0, column 1: no probability; got 1.2');
  expect(
    refusal(() =>
      preferenceMatrix([
        [0.5, Number.NaN],
        [0, 0.5],
      ]),
    ),
  ).toMatch('row 0, column 1: no probability; got NaN');
  expect(refusal(() => preferenceMatrix([[0.5, 0.5]]))).toMatch('row 0: not square; got 2, wanted 1 entries');
  // what JSON makes of NaN would be read as 0
  for (const [entry, got] of [
    [null, 'null'],
    ['0', '"0"'],
  ] as const) {
    const rows = [
      [0.5, entry],
      [1, 0.5],
    ];
    expect(refusal(() => preferenceMatrix(rows as never))).toMatch(`row 0, column 1: no probability; got ${got}`);
  }
  expect(refusal(() => preferenceMatrix(null as never))).toMatch('ERR_DATA: preference matrix: no list of rows');
  expect(refusal(() => preferenceMatrix([null] as never))).toMatch('row 0: not square; got null');
  expect(refusal(() => preferenceMatrix([]))).toMatch('no number of responses; got 0');
  expect(refusal(() => preferenceMatrix([[0.5]], ['a', 'b']))).toMatch('labels: wrong length; got 2, wanted 1');
  expect(refusal(() => checkPreferences({ n: 2, p: new Float64Array(3) }))).toMatch(
    'not square; got 3, wanted 2 × 2 = 4',
  );
  expect(refusal(() => symmetrise(1, Float64Array.of(2)))).toMatch('no probability; got 2');
  const P = preferenceGames.cyclic(1);
  expect(refusal(() => regularizedGame(P, -1))).toBe(
    'ERR_CONFIG: game, tau: out of range; got -1, wanted a finite number ≥ 0',
  );
  expect(refusal(() => regularizedGame(P, 1, [0.5, 0.6, -0.1]))).toMatch('ref, entry 2: no probability; got -0.1');
  expect(refusal(() => regularizedGame(P, 1, [Number.POSITIVE_INFINITY, 0, 0]))).toMatch(
    'entry 0: no probability; got Infinity',
  );
  expect(refusal(() => regularizedGame(P, 1, [0.5, 0.4, 0]))).toMatch('do not sum to 1; got 0.9, wanted 1 ± 1e-6');
  expect(refusal(() => regularizedGame(P, 1, [1]))).toMatch('game, ref: wrong length; got 1, wanted 3');
  expect(refusal(() => preferenceGames.cyclic(1.1))).toMatch('cyclic, a: out of range; got 1.1');
  expect(refusal(() => preferenceGames.cyclic(1, 2))).toMatch('cyclic, n: out of range; got 2');
  expect(refusal(() => preferenceGames.annotatorTypes(0.4))).toMatch('eps: out of range; got 0.4');
  expect(refusal(() => preferenceGames.bradleyTerry(Float64Array.of(0, Number.NaN)))).toMatch('reward 1: not finite');
  expect(
    refusal(() =>
      preferenceGames.condorcet([
        [0, 1],
        [1, 1],
      ]),
    ),
  ).toMatch('ranking 1: no ranking; got [1,1]');
  expect(refusal(() => preferenceGames.condorcet([[0, 1]], [0]))).toMatch('no weights of the rankings');
});
