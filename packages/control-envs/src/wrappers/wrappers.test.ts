import type { Action, Env, EnvStep, Info, Obs } from '@gimbal/tensor-core';
import { rng } from '@gimbal/tensor-core';
import { box } from '../spaces/spaces.ts';
import {
  ClipAction,
  EpisodeStatistics,
  FrameStack,
  NormalizeObservation,
  NormalizeReward,
  RescaleAction,
  RunningMoments,
  TimeLimit,
} from './index.ts';

/** Plays back a list of observations; a reset starts it again at `start`. */
class Tape implements Env {
  readonly spec = { id: 'Tape-v0', dtSeconds: 1, maxSteps: Number.POSITIVE_INFINITY };
  readonly observationSpace = box(-1e9, 1e9, [1]);
  readonly actionSpace = box(-1, 1, [2]);
  seen: number[] = [];
  #at = 0;

  constructor(
    readonly tape: number[],
    readonly start = tape[0] as number,
  ) {}

  reset(): { obs: Obs; info: Info } {
    const first = this.#at === 0 ? (this.tape[0] as number) : this.start;
    this.#at = 1;
    return { obs: Float32Array.of(first), info: {} };
  }

  step(action: Action): EnvStep {
    this.seen = [...(action as Float32Array)];
    const obs = Float32Array.of(this.tape[this.#at++ % this.tape.length] as number);
    return { obs, reward: obs[0] as number, terminated: false, truncated: false, info: {} };
  }

  close(): void {}
  [Symbol.dispose](): void {}
}

const still = new Float32Array(2);

test('a time limit of 5 counts from the last reset', () => {
  const env = new TimeLimit(new Tape([1]), 5);
  env.reset();
  for (let t = 0; t < 3; t++) expect(env.step(still).truncated).toBe(false);
  env.reset();
  const flags = Array.from({ length: 5 }, () => env.step(still).truncated);
  expect(flags).toEqual([false, false, false, false, true]);
});

test('a stack of 3 is filled by the reset, then moves', () => {
  const env = new FrameStack(new Tape([5, 6, 7, 8], 1), 3);
  expect(env.reset().obs).toEqual(Float32Array.of(5, 5, 5));
  const kept = env.step(still).obs;
  expect(kept).toEqual(Float32Array.of(5, 5, 6));
  expect(env.step(still).obs).toEqual(Float32Array.of(5, 6, 7));
  expect(env.reset().obs).toEqual(Float32Array.of(1, 1, 1));
  expect(env.step(still).obs).toEqual(Float32Array.of(1, 1, 6));
  expect(kept).toEqual(Float32Array.of(5, 5, 6));
  const zeros = new FrameStack(new Tape([5]), 3, { padding: 'zero' });
  expect(zeros.reset().obs).toEqual(Float32Array.of(0, 0, 5));
});

test('actions are changed in a copy', () => {
  const tape = new Tape([0]);
  const sampled = Float32Array.of(2, -2);
  new ClipAction(tape).step(sampled);
  expect(tape.seen).toEqual([1, -1]);
  new RescaleAction(tape, -4, 4).step(sampled);
  expect(tape.seen).toEqual([0.5, -0.5]);
  expect(sampled).toEqual(Float32Array.of(2, -2));
  // clipping leaves nothing to scale by: it goes outside
  expect(() => new RescaleAction(new ClipAction(tape))).toThrow('unbounded actions. Clip outside of it');
  new ClipAction(new RescaleAction(tape, -4, 4)).step(Float32Array.of(9, 2));
  expect(tape.seen).toEqual([1, 0.5]);
});

test('moments normalise small, large and constant elements, whatever the batch', () => {
  const stream = rng(3);
  const rows = Array.from({ length: 1000 }, () => [stream.normal(), 1000 * stream.normal() + 500, 7]).flat();
  const [single, batched] = [new RunningMoments(3), new RunningMoments(3)];
  for (let i = 0; i < 1000; i++) single.update(rows.slice(3 * i, 3 * i + 3));
  for (let i = 0; i < 1000; i += 50) batched.update(rows.slice(3 * i, 3 * i + 150));
  for (let c = 0; c < 3; c++) {
    expect(single.mean[c]).toBeCloseTo(batched.mean[c] as number, 8);
    expect(single.variance(c) / (batched.variance(c) || 1)).toBeCloseTo(c === 2 ? 0 : 1, 8);
  }
  const out = new Float64Array(rows.length);
  single.normalize(rows, out, 1e-8, 10);
  for (let c = 0; c < 3; c++) {
    const column = [...out].filter((_, i) => i % 3 === c);
    const mean = column.reduce((a, b) => a + b, 0) / 1000;
    const spread = Math.sqrt(column.reduce((a, b) => a + (b - mean) ** 2, 0) / 1000);
    expect(mean).toBeCloseTo(0, 6);
    expect(spread).toBeCloseTo(c === 2 ? 0 : 1, 6);
  }
  const copy = new RunningMoments(3);
  copy.load(JSON.parse(JSON.stringify(single.state())));
  expect(copy.state()).toEqual(single.state());
});

test('observation and reward normalisation can be saved, frozen and loaded', () => {
  const env = new NormalizeObservation(new Tape([1, 2, 3, 4, 5]));
  env.reset();
  for (let t = 0; t < 20; t++) env.step(still);
  const frozen = new NormalizeObservation(new Tape([1, 2, 3, 4, 5]), { update: false });
  frozen.load(env.state());
  frozen.reset();
  // mean 3 and variance 2 of 1 … 5, each seen four times, and one more 1
  const { count, mean } = env.state();
  expect([count, mean[0]]).toEqual([21, expect.closeTo(61 / 21, 10)]);
  expect(frozen.state()).toEqual(env.state());

  // returns of a constant reward 1 with gamma 0 are constant: variance 0, the reward is only clipped
  const rewards = new NormalizeReward(new Tape([1]), { gamma: 0 });
  rewards.reset();
  expect(rewards.step(still).reward).toBe(10);
  expect(rewards.step(still).reward).toBe(10);
  // rewards 1, 3 with gamma 0: variance 1, so the second one stays 3
  const two = new NormalizeReward(new Tape([3, 1]), { gamma: 0 });
  two.reset();
  two.step(still);
  expect(two.step(still).reward).toBeCloseTo(3, 6);
  // an episode that was left before its end does not go on in the next one
  const left = new NormalizeReward(new Tape([1]), { gamma: 1 });
  left.reset();
  left.step(still);
  left.step(still);
  expect(left.state().discounted).toBe(2);
  left.reset();
  expect(left.state().discounted).toBe(0);
});

test('episode statistics are in the last step', () => {
  const env = new EpisodeStatistics(new TimeLimit(new Tape([2]), 3));
  env.reset();
  expect(env.step(still).info.episode).toBeUndefined();
  env.step(still);
  expect(env.step(still).info.episode).toEqual({ return: 6, length: 3 });
  expect(env.episodes).toEqual([{ return: 6, length: 3 }]);
});
