import { learntNothing } from './learnt-nothing.ts';

const rows = [{ step: 512 }, { step: 1024, episodeReturn: -200 }, { step: 1536, episodeReturn: -190 }] as never;

/** An evaluation of these returns; its interval is their range. */
const of = (returns: number[], lengths: number[], truncated = 0) => {
  const ci95 = [Math.min(...returns), Math.max(...returns)] as const;
  return { returns, lengths, truncated, cut: 0, ci95, mean: returns.reduce((a, b) => a + b) / returns.length };
};

test('of a policy that is no better than the first episodes that is said, and what to try', () => {
  expect(learntNothing(of([-200, -200], [200, 200], 2), rows, 'ppo')).toBe(
    'no better than at first can be told: the trained policy returns -200.0, at most -200.0 by its 95 % interval, the first episodes of training returned -200.0; each of 2 episodes took 200 steps. Try more --steps, a larger --entropy-coef, another --seed or --algo',
  );
  expect(learntNothing(of([-210, -205], [200, 90]), rows, 'dqn')).toContain(
    'returned -200.0. Try more --steps, a larger --final-exploration',
  );
});

test('of one that may have got better, or was never seen to end an episode, nothing is said', () => {
  expect(learntNothing(of([-120], [120]), rows, 'ppo')).toBeUndefined();
  // below the first episodes by chance: the interval reaches above them
  expect(learntNothing(of([-260, -190], [200, 200]), rows, 'ppo')).toBeUndefined();
  expect(learntNothing(of([0], [10]), [{ step: 1 }] as never, 'ppo')).toBeUndefined();
});

test('of one that began at the best there is nothing is said: 1 for each step, up to the time limit', () => {
  const begun = [{ step: 512, episodeReturn: 500 }] as never;
  expect(learntNothing(of([500, 500], [500, 500], 2), begun, 'ppo')).toBeUndefined();
  expect(learntNothing(of([9, 12], [9, 12], 0), begun, 'ppo')).toContain('no better than at first');
});
