import { rng } from '@gimbal/tensor-core';
import { randomMdp, randomPolicy } from '../../test/random-mdp.ts';
import { evaluatePolicy, mdps, optimalPolicy } from '../index.ts';

test('the paper’s tasks by hand, and a bandit', () => {
  expect(optimalPolicy(mdps.cliffWorld()).J).toBeCloseTo(0.9 ** 6, 12);
  // .9³ for the treasure, less three steps of .002, discounted
  expect(optimalPolicy(mdps.deepSeaTreasure()).J).toBeCloseTo(0.729 - 0.002 * 2.71, 12);
  expect(optimalPolicy(mdps.bandit([1, 3, 3]))).toMatchObject({ J: 3, policy: Float64Array.of(0, 1, 0) });
});

test('what value iteration converges to; no policy does better, from any state', () => {
  for (let seed = 0; seed < 10; seed++) {
    const mdp = randomMdp(rng(seed), { gamma: 0.7 });
    const { S, A, P, r, gamma } = mdp;
    let V = new Float64Array(S);
    for (let k = 0; k < 120; k++) {
      const q = (s: number, a: number): number =>
        (r[s * A + a] as number) + gamma * V.reduce((sum, v, t) => sum + v * (P[(s * A + a) * S + t] as number), 0);
      V = Float64Array.from({ length: S }, (_, s) => Math.max(...Array.from({ length: A }, (_, a) => q(s, a))));
    }
    const best = optimalPolicy(mdp);
    expect([...best.V]).toEqual([...V].map((v) => expect.closeTo(v, 10)));
    expect(evaluatePolicy(mdp, best.policy).J).toBe(best.J);
    const other = evaluatePolicy(mdp, randomPolicy(mdp, rng(seed).split('policy')));
    other.V.forEach((v, s) => {
      expect(v).toBeLessThanOrEqual((best.V[s] as number) + 1e-12);
    });
  }
});

test('what is no MDP is refused', () => {
  expect(() => optimalPolicy({ ...mdps.cliffWorld(), gamma: 1 })).toThrow('mdp.gamma: out of range');
});
