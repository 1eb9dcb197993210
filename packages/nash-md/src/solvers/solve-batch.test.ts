import { rng } from '@gimbal/tensor-core';
import { randomGame, refusal } from '../../test/helpers.ts';
import { gameOf, stackGames } from '../games/game-batch.ts';
import { dualityGap } from '../measures/measures.ts';
import { iterate } from './iterate.ts';
import { solveBatch } from './solve-batch.ts';
import { solverNames } from './solver-options.ts';

const games = Array.from({ length: 7 }, (_, k) => randomGame(6, 0.1 + 0.2 * k, rng(k)));
const batch = stackGames(games);

test.each(solverNames)('%s: each game of a batch gets the numbers it gets alone, to the bit', (solver) => {
  const together = solveBatch(batch, { solver, steps: 50, averages: true });
  for (const [g, game] of games.entries()) {
    const alone = Array.from(iterate(game, { solver, steps: 50, every: 50 })).at(-1);
    expect(together.policies.slice(g * 6, (g + 1) * 6)).toEqual(alone?.policy);
    expect(together.averages?.slice(g * 6, (g + 1) * 6)).toEqual(alone?.average);
    expect(together.gaps[g]).toBe(alone?.gap);
  }
});

test('the contextual gap is the mean of the games’', () => {
  const { policies, gaps, averages } = solveBatch(batch, { steps: 2000 });
  expect(averages).toBeUndefined();
  expect(gaps.reduce((a, b) => a + b) / 7).toBeLessThan(1e-5);
  expect(gaps[3]).toBe(dualityGap(gameOf(batch, 3), policies.subarray(18, 24)));
});

test('the inputs stay as they were', () => {
  const before = { p: batch.p.slice(), ref: batch.ref.slice(), tau: batch.tau.slice() };
  solveBatch(batch, { solver: 'moving-magnet', steps: 500 });
  expect({ p: batch.p, ref: batch.ref, tau: batch.tau }).toEqual(before);
});

test.each(solverNames)('%s allocates nothing in a step', async (solver) => {
  const steps = 2000;
  const used = (): number => {
    const before = process.memoryUsage().heapUsed;
    solveBatch(batch, { solver, steps });
    return process.memoryUsage().heapUsed - before;
  };
  // what else the process allocates only adds, so the least of several counts; one with a collection in it says nothing.
  // Compiled code boxes no numbers, and a busy machine compiles late
  let each = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 60 && !(each < 8); i++) {
    const bytes = used();
    if (bytes > 0) each = Math.min(each, bytes / (steps * games.length));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // a number boxed on its way between two functions takes 16 bytes
  expect(each).toBeLessThan(8);
});

test('games that do not fit together are refused', () => {
  expect(refusal(() => stackGames([]))).toBe('ERR_DATA: stackGames: no games; got 0, wanted at least one');
  expect(refusal(() => stackGames([...games, randomGame(5, 1, rng(0))]))).toMatch(
    'stackGames, game 7: another number of responses; got 5, wanted 6',
  );
  expect(refusal(() => solveBatch(batch, { steps: 1, init: new Float64Array(3) }))).toMatch(
    'init: wrong length; got 3, wanted 7 × 6 = 42',
  );
  expect(refusal(() => solveBatch(batch, { steps: 1, init: new Float64Array(42).fill(0.5) }))).toMatch(
    'init of game 0: the probabilities do not sum to 1; got 3',
  );
  expect(refusal(() => solveBatch(batch, { steps: 1, eta: 9 }))).toMatch('eta: out of range; got 9');
  expect(refusal(() => solveBatch(batch, { steps: 1, every: 2 } as never))).toMatch('unknown option every');
});
