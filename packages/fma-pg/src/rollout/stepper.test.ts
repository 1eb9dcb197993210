// What is normalised, with which numbers: observations, final ones too, and rewards by the running return.
import { rng, type VectorEnv } from '@gimbal/tensor-core';
import { NextStepEnvs, Numbered } from '../../test/fixtures/numbered.ts';
import { actionSpec } from '../spaces/action-spec.ts';
import { observationSpec } from '../spaces/observation-spec.ts';
import { LocalVectorEnv } from './local-vector-env.ts';
import { ReturnScaler, RunningMoments, standardizeRows } from './moments.ts';
import { Stepper } from './stepper.ts';

async function afterAnEpisode(env: VectorEnv): Promise<Stepper> {
  const o = { normalizeObs: true, normalizeReward: false, gamma: 0.9, training: true };
  const stepper = new Stepper(env, observationSpec(env.observationSpace), actionSpec(env.actionSpace), o);
  await stepper.reset(rng(1));
  for (let t = 0; t < 3; t++) await stepper.step(new Float32Array(1));
  expect([...stepper.truncated]).toEqual([1]);
  return stepper;
}

test('a final observation is normalised as those that the policy sees, by the statistics of what it saw', async () => {
  // seen were 0, 1, 2 and, in the same step, the next episode's 100: mean 25.75, variance 2501.25 − 25.75²
  const same = await afterAnEpisode(await LocalVectorEnv.create(() => new Numbered(3), 1));
  expect(same.finalObs[0]).toBeCloseTo((3 - 25.75) / Math.sqrt(2501.25 - 25.75 ** 2), 5);
  // 0, 1, 2: mean 1, variance 2/3; nothing is done on 3
  const next = await afterAnEpisode(new NextStepEnvs([new Numbered(3)]));
  expect(next.finalObs[0]).toBeCloseTo(2 / Math.sqrt(2 / 3), 5);
  expect(next.obs[0]).toBe(next.finalObs[0]);
});

test('a normalised observation is held within ±10, and no closer', () => {
  const moments = new RunningMoments(1);
  moments.update([-1, 1]);
  const rows = Float32Array.of(9, 11, -9, -11);
  standardizeRows(moments, rows);
  expect([...rows]).toEqual([9, 10, -9, -10].map((x) => expect.closeTo(x, 5)));
});

test('the running return of a copy begins anew with its episode', () => {
  const scaler = new ReturnScaler(2, 0.5);
  const out = new Float32Array(2);
  scaler.scale([1, 1], (n) => n === 0, out);
  expect(scaler.state().running).toEqual([0, 1]);
  // 2 and ½·1 + 2: the returns seen are 1, 1, 2, 2.5, of mean 1.625 and variance (1 + 1 + 4 + 6.25)/4 − 1.625²
  scaler.scale([2, 2], () => false, out);
  expect(scaler.state().running).toEqual([2, 2.5]);
  const deviation = Math.sqrt(12.25 / 4 - 1.625 ** 2);
  expect([...out]).toEqual([2 / deviation, 2 / deviation].map((x) => expect.closeTo(x, 5)));
});

test('a copy that only resets is no part of the returns that rewards are scaled by, whatever it is paid', () => {
  const scaler = new ReturnScaler(2, 0.5);
  const out = new Float32Array(2);
  scaler.scale(
    [4, 7],
    () => false,
    out,
    (n) => n === 0,
  );
  // one value alone: variance 0
  expect(scaler.state()).toEqual({ moments: { count: 1, mean: [4], m2: [0] }, running: [4, 0] });
  scaler.scale([1, 5], () => false, out);
  // 4, then 3 and 5
  expect(scaler.state()).toEqual({ moments: { count: 3, mean: [4], m2: [2] }, running: [3, 5] });
});

test('with next-step autoreset the rewards of resets are left out of the scale', async () => {
  const o = { normalizeObs: false, normalizeReward: true, gamma: 0.5, training: true };
  const env = new NextStepEnvs([new Numbered(3)]);
  const stepper = new Stepper(env, observationSpec(env.observationSpace), actionSpec(env.actionSpace), o);
  await stepper.reset(rng(1));
  for (let t = 0; t < 5; t++) await stepper.step(new Float32Array(1));
  // 1, 1.5, 1.75, the reset, 1
  const { moments } = stepper.state().scaler ?? {};
  expect([moments?.count, moments?.mean[0]]).toEqual([4, 5.25 / 4]);
});

test('a scaled reward is held within ±10, and no closer', () => {
  const scaler = new ReturnScaler(1, 0);
  const out = new Float32Array(1);
  const scaled = (reward: number): number => {
    scaler.scale([reward], () => true, out);
    return out[0] as number;
  };
  // of 1 and −1 alternately the deviation is 1
  for (let i = 0; i < 5000; i++) scaled(i % 2 === 0 ? 1 : -1);
  expect(scaled(9)).toBeCloseTo(9, 0);
  expect([scaled(30), scaled(-30)]).toEqual([10, -10]);
});
