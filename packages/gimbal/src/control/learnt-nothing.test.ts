import { learntNothing } from './learnt-nothing.ts';

const rows = [{ step: 512 }, { step: 1024, episodeReturn: -200 }, { step: 1536, episodeReturn: -190 }] as never;

test('a policy that is no better than the first episodes has learnt nothing, and what to try is said', () => {
  expect(learntNothing({ mean: -200, lengths: [200, 200] }, rows, 'ppo')).toBe(
    'nothing was learnt: the trained policy returns -200.0, the first episodes of training returned -200.0; each of 2 episodes took 200 steps. Try more --steps, a larger --entropy-coef, another --seed or --algo',
  );
  expect(learntNothing({ mean: -210, lengths: [200, 90] }, rows, 'dqn')).toContain(
    'returned -200.0. Try more --steps, a larger --final-exploration',
  );
});

test('of one that got better, or was never seen to end an episode, nothing is said', () => {
  expect(learntNothing({ mean: -120, lengths: [120] }, rows, 'ppo')).toBeUndefined();
  expect(learntNothing({ mean: 0, lengths: [10] }, [{ step: 1 }] as never, 'ppo')).toBeUndefined();
});
