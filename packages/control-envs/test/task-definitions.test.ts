// First states are drawn as Gymnasium draws them (papers: the v5 definitions): which law, how wide, which elements.
import type { Env } from '@gimbal/tensor-core';
import { type MujocoEnv, makeEnv } from '../src/index.ts';

const resets = 400;

/** Differences of `qpos` and `qvel` to the task's own pose, one row for each of many resets. */
async function firstStates(id: string): Promise<{ qpos: number[][]; qvel: number[][] }> {
  const env = (await makeEnv(id)) as Env as MujocoEnv;
  const { qpos0 } = env.model.info;
  const rows = { qpos: [] as number[][], qvel: [] as number[][] };
  for (let seed = 0; seed < resets; seed++) {
    env.reset({ seed });
    rows.qpos.push([...env.sim.qpos].map((q, i) => q - (qpos0[i] as number)));
    rows.qvel.push([...env.sim.qvel]);
  }
  env.close();
  return rows;
}

/** Of each element by itself: uniform in ±s has its spread at s / √3 and reaches s, normal has it at s and goes beyond. */
function expectLaw(rows: number[][], law: 'uniform' | 'normal', s: number): void {
  const all = rows.flat();
  const farthest = Math.max(...all.map(Math.abs));
  const wanted = law === 'uniform' ? s / Math.sqrt(3) : s;
  expect([law, law === 'uniform' ? farthest <= s && farthest > 0.98 * s : farthest > 2.5 * s]).toEqual([law, true]);
  for (let i = 0; i < (rows[0] as number[]).length; i++) {
    const column = rows.map((row) => row[i] as number);
    const mean = column.reduce((a, b) => a + b) / resets;
    const spread = Math.sqrt(column.reduce((a, b) => a + b * b, 0) / resets);
    expect(Math.abs(mean)).toBeLessThan((4 * wanted) / Math.sqrt(resets));
    expect(Math.abs(spread / wanted - 1)).toBeLessThan(0.15);
  }
}

test.each([
  ['Hopper-v5', 5e-3, 'uniform', 5e-3],
  ['Walker2d-v5', 5e-3, 'uniform', 5e-3],
  ['HalfCheetah-v5', 0.1, 'normal', 0.1],
  ['Ant-v5', 0.1, 'normal', 0.1],
  ['Humanoid-v5', 1e-2, 'uniform', 1e-2],
  ['Swimmer-v5', 0.1, 'uniform', 0.1],
  ['InvertedPendulum-v5', 0.01, 'uniform', 0.01],
  ['InvertedDoublePendulum-v5', 0.1, 'normal', 0.1],
] as const)('%s: positions uniform in ±%f, velocities %s, %f', async (id, positions, law, velocities) => {
  const { qpos, qvel } = await firstStates(id);
  expectLaw(qpos, 'uniform', positions);
  expectLaw(qvel, law, velocities);
});

const columns = (rows: number[][], from: number, to: number): number[][] => rows.map((row) => row.slice(from, to));
const isStill = (rows: number[][]): boolean => rows.flat().every((x) => x === 0);

test('Reacher: the arm in ±0.1, the target anywhere in a disc of 0.2 m, which does not move', async () => {
  const { qpos, qvel } = await firstStates('Reacher-v5');
  expectLaw(columns(qpos, 0, 2), 'uniform', 0.1);
  expectLaw(columns(qvel, 0, 2), 'uniform', 5e-3);
  expect(isStill(columns(qvel, 2, 4))).toBe(true);
  // the pose of the model has the target at 0.1, −0.1
  const radii = qpos.map((row) => Math.hypot((row[2] as number) + 0.1, (row[3] as number) - 0.1));
  expect(Math.max(...radii)).toBeLessThan(0.2);
  expect(radii.reduce((a, b) => a + b) / resets).toBeCloseTo((2 / 3) * 0.2, 2); // of a disc, evenly
});

test('Pusher: the arm where it is, the object in its field and not at the goal', async () => {
  const { qpos, qvel } = await firstStates('Pusher-v5');
  expect(isStill(columns(qpos, 0, 7))).toBe(true);
  expect(isStill(columns(qpos, 9, 11))).toBe(true);
  expectLaw(columns(qvel, 0, 7), 'uniform', 5e-3);
  expect(isStill(columns(qvel, 7, 11))).toBe(true);
  const [y, x] = [qpos.map((row) => row[7] as number), qpos.map((row) => row[8] as number)];
  for (const [i, at] of y.entries()) {
    expect(at <= 0 && at > -0.3 && Math.abs(x[i] as number) < 0.2 && Math.hypot(at, x[i] as number) > 0.17).toBe(true);
  }
  expect([Math.min(...y) < -0.29, Math.max(...y) > -0.02]).toEqual([true, true]);
  expect([Math.min(...x) < -0.19, Math.max(...x) > 0.19]).toEqual([true, true]);
});

test.each([
  ['HalfCheetah-v5', { 'root.vel.x': 8 }],
  ['Hopper-v5', { 'root.vel.x': 5 }],
  ['Walker2d-v5', { 'root.vel.x': 8 }],
  ['Swimmer-v5', { 'root.vel.x': 3, 'root.vel.y': 4 }],
  ['Ant-v5', { 'root.vel.x': 13, 'root.vel.y': 14 }],
  ['Humanoid-v5', { 'root.vel.x': 22, 'root.vel.y': 23 }],
] as const)('%s: the velocity of the root is found by its name', async (id, wanted) => {
  const env = await makeEnv(id);
  const found = Object.keys(wanted).map((name) => [name, env.spec.layout?.slice(name)[0]]);
  expect(Object.fromEntries(found)).toEqual(wanted);
  env.close();
});

const bodies = [
  'Ant',
  'HalfCheetah',
  'Hopper',
  'Humanoid',
  'InvertedDoublePendulum',
  'InvertedPendulum',
  'Pusher',
].concat(...['Reacher', 'Swimmer', 'Walker2d']);

test.each(bodies)('%s-v5: the terms of the reward are in info, with their signs', async (name) => {
  const env = await makeEnv(`${name}-v5`);
  env.reset({ seed: 1 });
  const size = env.actionSpace.kind === 'box' ? env.actionSpace.low.length : 0;
  for (let t = 0; t < 5; t++) {
    const { reward, info } = env.step(new Float32Array(size).fill(0.3));
    const terms = Object.entries(info).filter(([key]) => /^reward|Penalty$/.test(key));
    expect(terms.length).toBeGreaterThan(0);
    expect(terms.reduce((sum, [, term]) => sum + (term as number), 0)).toBeCloseTo(reward, 9);
  }
  env.close();
});
