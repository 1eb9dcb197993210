import type { Env } from '@gimbal/tensor-core';
import { box, discrete } from '../spaces/spaces.ts';
import { checkEnv } from './check-env.ts';

/** Counts to three; what ends it there is given. */
function counter(end: { terminated: boolean; truncated: boolean }): Env {
  let t = 3;
  return {
    spec: { id: 'test/Counter-v0', dtSeconds: 1, maxSteps: 3 },
    observationSpace: box(0, 3, [1]),
    actionSpace: discrete(2),
    reset() {
      t = 0;
      return { obs: Float32Array.of(t), info: {} };
    },
    step(action) {
      if (t === 3 || (action !== 0 && action !== 1)) throw new Error('refused');
      t++;
      const ends = t === 3 ? end : { terminated: false, truncated: false };
      return { obs: Float32Array.of(t), reward: 0, ...ends, info: {} };
    },
    close() {},
    [Symbol.dispose]() {},
  };
}

test('an episode may terminate on its last allowed step, without being truncated there', () => {
  expect(checkEnv(counter({ terminated: true, truncated: false }))).toEqual([]);
  expect(checkEnv(counter({ terminated: false, truncated: true }))).toEqual([]);
});

test('one that goes on after it is named', () => {
  const [problem] = checkEnv(counter({ terminated: false, truncated: false }));
  expect(problem?.what).toBe('truncated is false at spec.maxSteps = 3');
});
