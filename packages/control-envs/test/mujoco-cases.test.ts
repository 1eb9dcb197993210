// What goes wrong with physics elsewhere, and must not here.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Env, type GoalEnv, rng } from '@gimbal/tensor-core';
import {
  assertEnv,
  compileMjcf,
  listEnvs,
  loadMjcf,
  type MujocoEnv,
  makeEnv,
  makeVectorEnv,
  totalMass,
} from '../src/index.ts';

const make = async (id: string, options: object = {}): Promise<MujocoEnv> =>
  (await makeEnv(id, options)) as Env as MujocoEnv;
const random = (env: Env, seed: number): (() => Float32Array) => {
  const stream = rng(seed);
  const high = env.actionSpace.kind === 'box' ? env.actionSpace.high : [];
  return () => Float32Array.from(high, (h) => h * (2 * stream.uniform() - 1));
};

const bodies = listEnvs().filter(({ id }) => id.endsWith('-v5') || id === 'ReacherGoal-v0');

test.each(bodies)('$id passes the checker', async ({ id }) => {
  const env = await make(id);
  assertEnv(env, { steps: 60 });
  env.close();
});

test.each(['Hopper-v5', 'Walker2d-v5', 'Ant-v5', 'Humanoid-v5'])('%s: no bonus while unhealthy', async (id) => {
  for (const terminateWhenUnhealthy of [true, false]) {
    const env = await make(id, { terminateWhenUnhealthy });
    env.reset({ seed: 0 });
    const high = env.model.info.qpos0.slice();
    high[id.startsWith('H') && id !== 'Humanoid-v5' ? 1 : id === 'Walker2d-v5' ? 1 : 2] = id === 'Hopper-v5' ? 0.4 : 5;
    env.setPose(high, new Float64Array(env.model.info.nv));
    const { terminated, info } = env.step(new Float32Array(env.model.info.nu));
    expect(info.rewardSurvive).toBe(0);
    expect(terminated).toBe(terminateWhenUnhealthy);
    env.close();
  }
});

test('a resting sphere weighs on the plane what gravity says', async () => {
  const model = await compileMjcf(`<mujoco><worldbody><geom type="plane" size="1 1 1"/>
    <body name="ball" pos="0 0 0.1"><freejoint/><geom type="sphere" size="0.1" mass="1"/></body></worldbody></mujoco>`);
  const sim = model.simulate();
  sim.step(2000);
  expect(sim.cfrcExt[6 + 5]).toBe(0);
  sim.contactForces();
  expect(sim.cfrcExt[6 + 5]).toBeCloseTo(9.81, 4);
  const contact = sim.contact(0);
  expect(contact.force[2]).toBeCloseTo(9.81, 4);
  expect(contact.position[2]).toBeCloseTo(0, 3);
  sim.close();
  model.close();
});

test('contact forces of a standing Ant are in its observation', async () => {
  const env = await make('Ant-v5');
  env.reset({ seed: 0 });
  const still = new Float32Array(8);
  let last = env.step(still);
  for (let t = 0; t < 60; t++) last = env.step(still);
  const [from, to] = env.spec.layout?.slice('cfrcExt') ?? [0, 0];
  const forces = (last.obs as Float64Array).subarray(from, to);
  expect(to - from).toBe(78);
  expect(forces.some((f) => f !== 0)).toBe(true);
  env.close();
});

test.each(['Ant-v5', 'HalfCheetah-v5', 'Humanoid-v5'])('%s: a reset leaves no trace', async (id) => {
  const [used, fresh] = [await make(id), await make(id)];
  used.reset({ seed: 1 });
  const wild = random(used, 2);
  for (let t = 0; t < 100; t++) if (used.step(wild()).terminated) used.reset();
  const runs = [used, fresh].map((env) => {
    const seen: unknown[] = [env.reset({ seed: 3 }).obs];
    const action = random(env, 4);
    for (let t = 0; t < 50; t++) {
      const { obs, reward, terminated } = env.step(action());
      seen.push(obs, reward);
      if (terminated) env.setState(env.getState());
    }
    return seen;
  });
  expect(runs[0]).toEqual(runs[1]);
  used.close();
  fresh.close();
});

test.each(['Ant-v5', 'HalfCheetah-v5', 'Hopper-v5', 'Humanoid-v5'])(
  '%s: a state saved in contact goes on to the bit',
  async (id) => {
    const env = await make(id, { ...(id !== 'HalfCheetah-v5' && { terminateWhenUnhealthy: false }) });
    env.reset({ seed: 0 });
    const action = random(env, 1);
    for (let t = 0; t < 60 || (env.sim.contactCount === 0 && t < 300); t++) env.step(action());
    expect(env.sim.contactCount).toBeGreaterThan(0);
    const onward = (): unknown[] => {
      const again = random(env, 9);
      return Array.from({ length: 30 }, () => {
        const { obs, reward } = env.step(again());
        return [obs, reward];
      });
    };
    for (const kind of ['integration', 'full'] as const) {
      const state = env.getState(kind);
      const first = onward();
      env.setState(state);
      const second = onward();
      if (kind === 'integration') expect(second).toEqual(first);
      else expect((second[0] as [Float64Array])[0].length).toBe((first[0] as [Float64Array])[0].length);
    }
    env.close();
  },
);

test('a diverged state is truncated with its reason, counted, and never seen', async () => {
  const env = await make('HalfCheetah-v5');
  env.reset({ seed: 0 });
  const before = env.step(new Float32Array(6));
  env.sim.qpos[3] = Number.NaN;
  const { obs, reward, terminated, truncated, info } = env.step(new Float32Array(6));
  expect({ reward, terminated, truncated }).toEqual({ reward: 0, terminated: false, truncated: true });
  expect(info.truncatedReason).toMatch(/^diverged: qpos\[\d\] \(\w+\) is NaN$/);
  expect(info.divergences).toBe(1);
  expect(obs).toEqual(before.obs);
  env.reset({ seed: 1 });
  expect(env.step(new Float32Array(6)).truncated).toBe(false);
  // nor is a state taken that the episode could not end at
  const state = env.getState();
  state[3] = Number.NaN;
  expect(() => env.setState(state)).toThrow('HalfCheetah-v5: setState: number 3 is not finite; got NaN');
  expect(() => env.setPose(new Float64Array(9).fill(Number.POSITIVE_INFINITY), new Float64Array(9))).toThrow(
    'setPose: number 0 is not finite; got Infinity',
  );
  const bad = new Float32Array(6);
  bad[2] = Number.NaN;
  expect(() => env.step(bad)).toThrow('HalfCheetah-v5: step: action[2] (bfoot) is not finite; got NaN');
  env.close();
});

test.each(['HalfCheetah-v5', 'Humanoid-v5', 'Pusher-v5'] as const)(
  '%s: an action of 1e30 is refused by its index and nothing moves; 1e18, the largest, is paid in finite float32',
  async (id) => {
    const env = await make(id);
    env.reset({ seed: 0 });
    const size = env.model.info.nu;
    const state = env.getState();
    const huge = new Float32Array(size);
    huge[1] = 1e30;
    expect(() => env.step(huge)).toThrow(/: step: action\[1\] \(\w+\) is too large for a finite reward; got 1\.0/);
    expect(env.getState()).toEqual(state);
    const { reward, obs, truncated } = env.step(new Float32Array(size).fill(1e18));
    expect(Number.isFinite(Math.fround(reward))).toBe(true);
    expect((obs as Float64Array).every(Number.isFinite)).toBe(true);
    expect(truncated).toBe(false);
    env.close();
  },
);

test('60,000 reads of a contact and 60,000 steps leave the engine’s memory as it is', async () => {
  const env = await make('InvertedPendulum-v5');
  const ant = await make('Ant-v5');
  ant.reset({ seed: 0 });
  for (let t = 0; t < 60; t++) ant.step(new Float32Array(8));
  for (let i = 0; i < 2000; i++) ant.sim.contact(0);
  const heap = ant.sim.qpos.buffer.byteLength;
  for (let i = 0; i < 60_000; i++) ant.sim.contact(0);
  env.reset({ seed: 0 });
  const push = Float32Array.of(0.1);
  for (let t = 0; t < 60_000; t++) {
    const { terminated, truncated } = env.step(push);
    if (terminated || truncated) env.reset();
  }
  expect(ant.sim.qpos.buffer.byteLength).toBe(heap);
  env.close();
  ant.close();
});

test('views survive a growing memory', async () => {
  const first = await make('Hopper-v5');
  first.reset({ seed: 0 });
  const heap = first.sim.qpos.buffer.byteLength;
  const others = [];
  while (first.sim.qpos.length > 0 && others.length < 40) others.push(await make('Humanoid-v5'));
  expect(first.sim.qpos.length).toBe(0); // grown: the old views are dead
  first.step(new Float32Array(3));
  expect(first.sim.qpos.length).toBe(6);
  expect(first.sim.qpos.buffer.byteLength).toBeGreaterThan(heap);
  for (const env of [first, ...others]) env.close();
});

test('invalid MJCF: MuJoCo’s own words with file and line; missing meshes; too large a model', async () => {
  await expect(
    compileMjcf('<mujoco>\n<worldbody>\n<geom size="x"/></worldbody></mujoco>', { source: 'a.xml' }),
  ).rejects.toThrow(/^a\.xml:3: MuJoCo says: bad format in attribute 'size'; Element 'geom', line 3$/);
  await expect(compileMjcf(undefined as unknown as string)).rejects.toThrow('MJCF: a model is given as text');
  const mesh = '<mujoco>\n<asset>\n<mesh name="m" file="m.stl"/></asset></mujoco>';
  await expect(compileMjcf(mesh, { source: 'b.xml' })).rejects.toThrow(
    'b.xml:3: a file that the model names is missing; got "m.stl". Pass it in files, or load the model with loadMjcf',
  );
  const large = await compileMjcf('<mujoco><size memory="900M"/><worldbody/></mujoco>');
  const held = [large.simulate(), large.simulate()];
  expect(() => large.simulate()).toThrow(
    /too large for the engine's memory of 2 GiB .*run fewer environments in one thread/s,
  );
  for (const sim of held) sim.close();
  large.close();
  // the engine goes on after that
  const ok = await make('Hopper-v5');
  expect(ok.reset({ seed: 0 }).obs).toHaveLength(11);
  ok.close();
});

test('what fails while it is made leaves the engine’s memory to what comes after', async () => {
  // two of these fit; a body is missing that the task only looks for when it has its simulation
  const arm = (body: string): string => `<mujoco><size memory="900M"/><worldbody><body name="${body}"><joint/>
    <geom size=".1"/></body></worldbody><actuator><motor joint="joint0"/></actuator></mujoco>`;
  const named = (body: string): string => arm(body).replace('<joint/>', '<joint name="joint0"/>');
  for (let i = 0; i < 3; i++) {
    await expect(makeEnv('Ant-v5', { xml: named('trunk') })).rejects.toThrow('no such body; got "torso"');
  }
  for (const workers of [0, 1]) {
    const many = makeVectorEnv('Ant-v5', { numEnvs: 4, workers, options: { xml: named('torso') } });
    await expect(many).rejects.toThrow(/too large for the engine's memory of 2 GiB/);
  }
  const env = await make('Ant-v5', { xml: named('torso') });
  const { sim } = env;
  env.model.close();
  expect(() => sim.step(1)).toThrow('simulation used after close()');
  env.close();
}, 30_000);

test('what is closed says so; pictures need their size; a body needs motors', async () => {
  const env = (await makeEnv('Hopper-v5')) as Env as MujocoEnv;
  env.reset({ seed: 0 });
  expect(() => env.render({ width: 8, height: 8, out: new Uint8Array(3) })).toThrow('got 3, wanted 192');
  env.close();
  for (const call of [() => env.render(), () => env.getState(), () => env.sim.step(1), () => env.sim.forward()]) {
    expect(call).toThrow('model hopper: simulation used after close()');
  }
  const still = '<mujoco model="still"><worldbody><body><joint/><geom size=".1"/></body></worldbody></mujoco>';
  await expect(makeEnv('Hopper-v5', { xml: still })).rejects.toThrow('model still: it has no actuators');
});

test('a model of one’s own, with a mesh or height field from its folder and an included file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mjcf-'));
  await mkdir(join(folder, 'assets'));
  const pyramid = 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n';
  await writeFile(join(folder, 'assets', 'pyramid.obj'), pyramid);
  await writeFile(join(folder, 'part.xml'), '<mujoco><asset><mesh name="p" file="pyramid.obj"/></asset></mujoco>');
  const scene = join(folder, 'scene.xml');
  await writeFile(
    scene,
    `<mujoco><compiler meshdir="assets"/><include file="part.xml"/>
     <worldbody><body><freejoint/><geom type="mesh" mesh="p" mass="2"/></body></worldbody></mujoco>`,
  );
  const model = await loadMjcf(scene);
  expect(totalMass(model.info)).toBeCloseTo(2, 9);
  expect(model.info.meshes).toHaveLength(1);
  expect(model.info.meshes[0]?.vertices).toHaveLength(12);
  model.close();
  await rm(join(folder, 'assets', 'pyramid.obj'));
  await expect(loadMjcf(scene)).rejects.toThrow(/a file that the model names is missing; got ".*pyramid\.obj"/);
  // a height field from a file of rows, columns and heights
  const heights = Buffer.concat([
    new Uint8Array(Int32Array.of(2, 3).buffer),
    new Uint8Array(Float32Array.of(0, 1, 2, 0, 1, 2).buffer),
  ]);
  await writeFile(join(folder, 'field.bin'), heights);
  await writeFile(
    scene,
    `<mujoco><asset><hfield name="h" file="field.bin" size="3 1 4 .1"/></asset>
     <worldbody><geom type="hfield" hfield="h"/></worldbody></mujoco>`,
  );
  const field = await loadMjcf(scene);
  const [mesh] = field.info.meshes;
  expect(mesh?.vertices).toEqual(Float32Array.of(-3, -1, 0, 0, -1, 2, 3, -1, 4, -3, 1, 0, 0, 1, 2, 3, 1, 4));
  expect(mesh?.faces).toHaveLength(2 * 2 * 3);
  field.close();
  await rm(join(folder, 'field.bin'));
  await expect(loadMjcf(scene)).rejects.toThrow(/a file that the model names is missing; got "field\.bin"/);
  await expect(loadMjcf(join(folder, 'none.xml'))).rejects.toThrow('loadMjcf: the model cannot be read');
  await rm(folder, { recursive: true });
});

test('a goal can be replaced; its reward is a pure function of achieved and desired', async () => {
  const env = (await makeEnv('ReacherGoal-v0')) as unknown as GoalEnv & MujocoEnv;
  const first = env.reset({ seed: 0 }).obs as { [part: string]: Float64Array };
  const arm = [...(first.observation as Float64Array)];
  const still = new Float32Array(2);
  expect(env.step(still)).toMatchObject({ reward: -1, terminated: false, info: { isSuccess: false } });
  const twin = (await makeEnv('ReacherGoal-v0')) as unknown as GoalEnv & MujocoEnv;
  const { obs } = twin.reset({ seed: 0 });
  expect(Object.keys(obs)).toEqual(['observation', 'achieved_goal', 'desired_goal']);
  expect(Float32Array.from(first.achieved_goal as Float64Array)).toEqual(twin.achieved());
  expect(Float32Array.from(first.desired_goal as Float64Array)).toEqual(twin.desired());
  // another goal changes no number of the arm's
  twin.setGoal(Float32Array.of(0.05, -0.05));
  const moved = twin.step(still).obs as { [part: string]: Float64Array };
  const unmoved = (await makeEnv('ReacherGoal-v0')) as unknown as Env;
  unmoved.reset({ seed: 0 });
  expect(moved.observation).toEqual((unmoved.step(still).obs as typeof moved).observation);
  expect(arm).toHaveLength(6);
  twin.close();
  unmoved.close();
  expect(env.computeReward(Float32Array.of(0, 0.1), Float32Array.of(0, 0.11))).toEqual({ reward: 0, terminated: true });
  expect(env.computeReward(Float32Array.of(0, 0.1), Float32Array.of(0, 0.11), 0.005).terminated).toBe(false);
  const here = env.achieved();
  env.setGoal(here);
  expect(env.desired()).toEqual(here);
  expect(env.step(still)).toMatchObject({ reward: 0, terminated: true });
  expect(() => env.setGoal(new Float32Array(3))).toThrow('setGoal: no goal; got 3, wanted x and y');
  env.close();
});
