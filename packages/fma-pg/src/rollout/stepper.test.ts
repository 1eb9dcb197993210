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
  // 0, 1, 2, 3: mean 1.5, variance 1.25
  const next = await afterAnEpisode(new NextStepEnvs([new Numbered(3)]));
  expect(next.finalObs[0]).toBeCloseTo(1.5 / Math.sqrt(1.25), 5);
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
