/** Preference games that papers use, and random ones. */
import { checkCount, checkOption, checkShare, DataError, type Rng } from '@gimbal/tensor-core';
import type { PreferenceMatrix } from './preference-matrix.ts';

/**
 * n responses in a circle: each beats the one after it with probability a, and is even with all others.
 * @param a P(i ≻ i + 1), in [0, 1]
 * @param n at least 3
 */
function cyclic(a: number, n = 3): PreferenceMatrix {
  checkShare('cyclic, a', a);
  checkCount('cyclic, n', n, 3);
  return between(n, (i, j) => (j === i + 1 ? a : i === 0 && j === n - 1 ? 1 - a : 0.5));
}

/** Non-transitive dice 2-4-9, 1-6-8, 3-5-7: each beats the next with 5/9 (appendix C.1). */
function dice(): PreferenceMatrix {
  const faces = [
    [2, 4, 9],
    [1, 6, 8],
    [3, 5, 7],
  ] as const;
  const wins = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, x) => sum + b.filter((y) => x > y).length, 0) / 9;
  const labels = faces.map((die) => die.join('-'));
  return { ...between(3, (i, j) => wins(faces[i] as readonly number[], faces[j] as readonly number[])), labels };
}

/**
 * What a population prefers whose members each rank all responses: P(i ≻ j) is the weight of those who rank i above j.
 * @param rankings each a permutation of 0…n − 1, best first; by default Condorcet's three, A>B>C, B>C>A, C>A>B
 * (appendix C.2)
 * @param weights of the rankings, ≥ 0, normalised here; default equal
 */
function condorcet(
  rankings: readonly (readonly number[])[] = [
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1],
  ],
  weights: readonly number[] = rankings.map(() => 1),
): PreferenceMatrix {
  const n = rankings[0]?.length ?? 0;
  for (const [k, ranking] of rankings.entries()) {
    if (ranking.length === n && [...ranking].sort((a, b) => a - b).every((x, i) => x === i)) continue;
    const wanted = `each of 0 to ${n - 1} once`;
    throw new DataError({ where: `condorcet, ranking ${k}`, what: 'no ranking', got: ranking, wanted });
  }
  const total = weights.reduce((a, b) => a + b, 0);
  const good = weights.length === rankings.length && weights.every((w) => w >= 0) && total > 0 && total < Infinity;
  if (!good) {
    const wanted = `${rankings.length} numbers ≥ 0 with a positive sum`;
    throw new DataError({ where: 'condorcet, weights', what: 'no weights of the rankings', got: weights, wanted });
  }
  return between(n, (i, j) => {
    let above = 0;
    for (const [k, ranking] of rankings.entries())
      if (ranking.indexOf(i) < ranking.indexOf(j)) above += (weights[k] as number) / total;
    return Math.min(1, above);
  });
}

/**
 * Three types of annotators with weights ⅓ − ε, ⅓ + ε/2, ⅓ + ε/2: the first only prefers response 2 to 1, the second
 * only 1 to 3, the third only 3 to 2; ties otherwise (section 3.2). The reward of a Bradley–Terry fit jumps at ε = 0.
 * @param eps |ε| ≤ ⅓
 */
function annotatorTypes(eps: number): PreferenceMatrix {
  checkOption('annotatorTypes, eps', eps, Math.abs(eps) <= 1 / 3, 'a number from −1/3 to 1/3');
  const [first, other] = [2 / 3 - eps / 2, 2 / 3 + eps / 4];
  return between(3, (i, j) => (j === 1 ? 1 - first : i === 0 ? other : 1 - other));
}

/**
 * P(i ≻ j) = σ(r_i − r_j)   (Bradley–Terry)
 * @param rewards r, one a response, finite
 */
function bradleyTerry(rewards: Float64Array): PreferenceMatrix {
  for (const [i, r] of rewards.entries()) {
    if (Number.isFinite(r)) continue;
    throw new DataError({ where: `bradleyTerry, reward ${i}`, what: 'not finite', got: r, wanted: 'a finite number' });
  }
  checkCount('bradleyTerry, number of rewards', rewards.length);
  return between(rewards.length, (i, j) => 1 / (1 + Math.exp((rewards[j] as number) - (rewards[i] as number))));
}

/** Every pair's probability drawn uniformly from [0, 1), independently: as intransitive as chance makes it. */
function random(n: number, rng: Rng): PreferenceMatrix {
  checkCount('random, n', n);
  return between(n, () => rng.uniform());
}

/** Constructors of preference matrices. */
export const preferenceGames: {
  /** each beats the next with probability a */
  cyclic: typeof cyclic;
  /** three non-transitive dice */
  dice: typeof dice;
  /** a population of rankings */
  condorcet: typeof condorcet;
  /** three types of annotators, a reward fit discontinuous in ε */
  annotatorTypes: typeof annotatorTypes;
  /** from a reward a response */
  bradleyTerry: typeof bradleyTerry;
  /** every pair independent and uniform */
  random: typeof random;
} = { cyclic, dice, condorcet, annotatorTypes, bradleyTerry, random };

/** The matrix of its entries above the diagonal. */
function between(n: number, upper: (i: number, j: number) => number): PreferenceMatrix {
  const p = new Float64Array(n * n).fill(0.5);
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const x = upper(i, j);
      p[i * n + j] = x;
      p[j * n + i] = 1 - x;
    }
  }
  return { n, p };
}
