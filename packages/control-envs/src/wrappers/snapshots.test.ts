// Snapshots of wrapped environments: another copy goes on from them to the same numbers, through ends and resets.
import type { Env, EnvStep } from '@gimbal/tensor-core';
import { AgentEnv, antChase, makeScene } from '../composer/index.ts';
import { makeEnv } from '../registry/registry.ts';
import {
  ClipAction,
  EpisodeStatistics,
  FlattenObservation,
  FrameStack,
  NormalizeObservation,
  NormalizeReward,
  RecordEpisodes,
  RescaleAction,
  TimeLimit,
} from './index.ts';

/** Steps through ends; what was seen. */
function play(env: Env, steps: number, from = 0): EnvStep[] {
  return Array.from({ length: steps }, (_, t) => {
    const action = new Float32Array((env.actionSpace as { low: Float64Array }).low.length);
    const step = env.step(action.map((_, i) => 0.5 * Math.sin(from + t + i)));
    if (!step.terminated && !step.truncated) return step;
    return { ...step, info: { ...step.info, next: env.reset().obs } };
  });
}

test('of all wrappers at once: clocks, frames, statistics and the stream go on', async () => {
  const recorded: number[] = [];
  const make = async () => {
    const inner = new TimeLimit(await makeEnv('Pendulum-v1', { maxSteps: 50 }), 7);
    const record = new RecordEpisodes(inner, { when: (n) => n === 3, onRecording: (_, n) => recorded.push(n) });
    const seen = new NormalizeObservation(new FlattenObservation(new RescaleAction(record)));
    const statistics = new EpisodeStatistics(new NormalizeReward(new FrameStack(seen, 3)));
    return { statistics, env: new ClipAction(statistics) };
  };
  const [one, two] = [await make(), await make()];
  one.env.reset({ seed: 1 });
  play(one.env, 18); // in the third episode
  const snapshot = one.env.snapshot() as Float64Array;
  const onward = play(one.env, 20, 18);
  expect(recorded).toEqual([3]);
  two.env.restore(snapshot);
  expect(play(two.env, 20, 18)).toEqual(onward);
  expect(two.statistics.episodes).toEqual(one.statistics.episodes);
  expect(two.statistics.episodes).toHaveLength(5);
  expect(recorded).toEqual([3, 3]);
  // a new environment can be saved before its first reset, too
  const fresh = (await make()).env.snapshot() as Float64Array;
  expect(fresh.length).toBe(snapshot.length);
  expect(() => new TimeLimit(one.statistics, 5).restore(snapshot)).toThrow(
    'restore: the snapshot is of other wrappers',
  );
  one.env.close();
  two.env.close();
});

test('of an agent among others that act at random', async () => {
  const make = async () => new AgentEnv(await makeScene(antChase()), 'chaser');
  const [one, two] = [await make(), await make()];
  one.reset({ seed: 4 });
  play(one, 3);
  two.restore(one.snapshot() as Float64Array);
  expect(play(two, 3)).toEqual(play(one, 3));
  one.close();
  two.close();
});

test('what is inside decides whether there is anything to save', async () => {
  const { spec, observationSpace, actionSpace } = await makeEnv('Pendulum-v1');
  const bare = { spec, observationSpace, actionSpace } as Env;
  expect(new TimeLimit(bare, 5).snapshot()).toBeUndefined();
  // a plain state counts as all there is
  let held: Float64Array = Float64Array.of(3);
  const plain = { ...bare, getState: () => held, setState: (state: Float64Array) => (held = state) } as Env;
  const snapshot = new TimeLimit(plain, 5).snapshot() as Float64Array;
  held = Float64Array.of(4);
  new TimeLimit(plain, 5).restore(snapshot);
  expect([...held]).toEqual([3]);
});
