// Scenes: composition, collisions, agents, JSON, and what is refused.
import type { Env } from '@gimbal/tensor-core';
import { rng } from '@gimbal/tensor-core';
import {
  antChase,
  antPush,
  assertEnv,
  compileScene,
  defineScene,
  editScene,
  listEnvs,
  makeEnv,
  makeScene,
  registerScene,
  rewardNames,
  type Scene,
  SceneEnv,
  sceneFromJson,
  sceneToJson,
  totalMass,
} from '../src/index.ts';

const ids = listEnvs()
  .map(({ id }) => id)
  .filter((id) => /^(Ant|HalfCheetah|Humanoid|Octopus).*-v0$/.test(id));

test.each(ids)('%s passes the checker', async (id) => {
  const env = await makeEnv(id, { maxSteps: 40 });
  assertEnv(env, { steps: 60 });
  env.close();
});

test.each([2, 3, 5, 8, 10])('an ant of %d legs stands on them and moves for 1000 random steps', async (legs) => {
  const scene = editScene(
    { components: { a: { use: 'ant', params: { legs }, terminates: false } } },
    { maxSteps: 2000 },
  );
  const env = await makeScene(scene);
  expect(env.model.info.nu).toBe(2 * legs);
  let { obs } = env.reset({ seed: 1 });
  const stream = rng(0);
  for (let t = 0; t < 1000; t++) {
    const result = env.step(Float32Array.from({ length: 2 * legs }, () => 2 * stream.uniform() - 1));
    obs = result.obs;
    expect(result.truncated).toBe(false);
  }
  expect((obs as Float32Array).every(Number.isFinite)).toBe(true);
  env.close();
});

test('a composed four-legged ant moves as Ant-v5 does', async () => {
  const composed = await makeScene({ components: { a: { use: 'ant' } } });
  const task = (await makeEnv('Ant-v5')) as Env as SceneEnv;
  expect(totalMass(composed.model.info)).toBeCloseTo(totalMass(task.model.info), 12);
  for (const env of [composed, task]) {
    env.reset({ seed: 0 });
    env.setPose(task.model.info.qpos0, new Float64Array(14));
  }
  for (let t = 0; t < 20; t++) {
    const action = Float32Array.from({ length: 8 }, (_, i) => 0.5 * Math.sin(0.3 * t + i));
    composed.step(action);
    task.step(action);
  }
  for (const [i, q] of composed.sim.qpos.entries()) expect(q).toBeCloseTo(task.sim.qpos[i] as number, 9);
  composed.close();
  task.close();
});

test('a composed HalfCheetah keeps its 14 kg beside another body', async () => {
  const scene: Scene = {
    components: { cheetah: { use: 'half-cheetah' }, ball: { use: 'sphere', pos: [3, 0, 0], params: { radius: 0.1 } } },
  };
  const env = await makeScene(scene);
  const { info } = env.model;
  const cheetah = info.names.body.reduce(
    (m, n, i) => m + (n.startsWith('cheetah/') ? (info.bodyMass[i] as number) : 0),
    0,
  );
  expect(cheetah).toBeCloseTo(14, 9);
  env.close();
});

/** Two ants dropped at one place, one above the other: how far apart they end. */
async function separation(collide: 'full' | 'root' | 'none'): Promise<number> {
  const scene: Scene = {
    components: { a: { use: 'ant', terminates: false }, b: { use: 'ant', pos: [0, 0, 0.7], terminates: false } },
    edges: [{ between: ['a', 'b'], collide }],
    resetNoiseScale: 0,
  };
  const env = await makeScene(scene);
  env.reset({ seed: 0 });
  for (let t = 0; t < 60; t++) env.step(new Float32Array(16));
  const root = (name: string): number[] => {
    const b = env.model.info.names.body.indexOf(`${name}/torso`);
    return [...env.sim.xpos.subarray(3 * b, 3 * b + 3)];
  };
  const [a, b] = [root('a'), root('b')];
  env.close();
  return Math.hypot(...a.map((x, i) => x - (b[i] as number)));
}

test('two ants in one place are kept apart by collisions, and overlap without', async () => {
  expect(await separation('full')).toBeGreaterThan(0.3);
  expect(await separation('root')).toBeGreaterThan(0.3);
  expect(await separation('none')).toBeLessThan(0.1);
});

test('the chase has two agents with motors and rewards of their own', async () => {
  const env = await makeScene(antChase());
  expect(env.agents.map(({ name }) => name)).toEqual(['chaser', 'runner']);
  expect(env.agent('chaser').rewards).toEqual(['chaser~runner.near']);
  expect(env.agent('runner').actions).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  env.reset({ seed: 0 });
  const action = env.joinActions({ chaser: new Float32Array(8).fill(0.25), runner: new Float32Array(8).fill(-0.5) });
  expect([...action]).toEqual([...Array(8).fill(0.25), ...Array(8).fill(-0.5)]);
  const { info, reward, obs } = env.step(action);
  const of = info.agentRewards as { chaser: number; runner: number };
  expect(of.chaser + of.runner).toBeCloseTo(reward, 9);
  const [from, to] = env.spec.layout?.slice('chaser~runner.rootVector') ?? [0, 0];
  const vector = (obs as Float32Array).subarray(from, to);
  expect(of.chaser).toBeCloseTo(5 - Math.hypot(...vector), 5); // offset 5 minus the distance
  expect(() => env.agent('chaserr')).toThrow('no such agent; got "chaserr". Did you mean chaser?');
  env.close();
});

test('caught: the distance ends the episode and pays its bonus', async () => {
  const scene = editScene(antChase(), {
    'edges.0.rewards.near': { type: 'rootDistance', offset: 5, scale: 2, minDistance: 3, doneBonus: 100 },
  });
  const env = await makeScene(scene);
  env.reset({ seed: 0 });
  const { terminated, info } = env.step(new Float32Array(16));
  expect(terminated).toBe(true); // they start 2 m apart
  expect((info.agentRewards as { chaser: number }).chaser).toBeGreaterThan(100);
  env.close();
});

test('a scene is registered, written to JSON, read back and compiles to the same model', async () => {
  const scene = antPush({ legs: 6 });
  const again = sceneFromJson(sceneToJson(scene));
  expect(again).toEqual(scene);
  expect(compileScene(again).mjcf).toBe(compileScene(scene).mjcf);
  registerScene('AntSixPush-v0', again);
  const env = await makeEnv('AntSixPush-v0');
  expect(env).toBeInstanceOf(SceneEnv);
  expect(rewardNames(scene)).toEqual(['ball.goal', 'agent1~ball.near']);
  env.close();
});

const arm = `<mujoco><compiler angle="degree"/><option timestep="0.01"/><default><geom density="200"/></default>
  <worldbody><body name="base" pos="0 0 0.5"><geom name="g" type="box" size=".1 .1 .1"/>
    <body name="link"><joint name="hinge" range="-90 90" limited="true" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 0.5 0 0" size="0.05"/></body></body></worldbody>
  <actuator><motor name="m" joint="hinge" gear="10" ctrlrange="-1 1" ctrllimited="true"/></actuator></mujoco>`;

test('a user’s MJCF is attached beside an ant: names prefixed, angles converted, defaults its own', async () => {
  const env = await makeScene({
    components: { ant: { use: 'ant' }, arm: { use: 'mjcf', params: { mjcf: arm }, pos: [2, 0, 0], yaw: Math.PI / 2 } },
    globalOptions: { timestep: 0.01, integrator: 'RK4' },
  });
  const { info } = env.model;
  const j = info.names.joint.indexOf('arm/hinge');
  expect([...info.jointRange.subarray(2 * j, 2 * j + 2)]).toEqual([
    expect.closeTo(-Math.PI / 2, 9),
    expect.closeTo(Math.PI / 2, 9),
  ]);
  const base = info.names.body.indexOf('arm/base');
  expect(info.bodyMass[base]).toBeCloseTo(200 * 0.008, 9);
  env.reset({ seed: 0 });
  env.step(new Float32Array(9));
  expect([...env.sim.xpos.subarray(3 * base, 3 * base + 3)]).toEqual([2, 0, 0.5]);
  env.close();
});

test('what contradicts itself is refused, with its path', async () => {
  const bad: [Scene, string][] = [
    [{ components: {} }, 'scene.components: no component'],
    [{ components: { 'a/b': { use: 'ant' } } }, 'scene.components.a/b: bad name'],
    [
      { components: { a: { use: 'antt' } } },
      'scene.components.a.use: no such kind of component; got "antt". Did you mean ant?',
    ],
    [{ components: { a: { use: 'ant', param: {} } } } as unknown as Scene, 'unknown key; got "param"'],
    [{ components: { a: { use: 'ant' } }, edges: [{ between: ['a', 'a'] }] }, 'a component with itself'],
    [{ components: { a: { use: 'ant' } }, edges: [{ between: ['a', 'bb'] }] }, 'scene.edges[0].between: unknown name'],
    [{ components: { a: { use: 'ant' }, h: { use: 'hopper' } } }, 'scene.globalOptions: components differ in timestep'],
    [
      {
        components: { a: { use: 'ant', rewards: { r: { type: 'constant' } } } },
        agents: { x: { acts: ['a'], rewards: [] } },
      },
      'scene.agents: a reward that goes to no agent; got "a.r"',
    ],
    [{ components: { a: { use: 'ant', params: { legs: 1 } } } }, 'ant: bad number of legs; got 1'],
    [{ components: { a: { use: 'mjcf', params: { mjcf: '<mujoco><worldbody>' } } } }, '<worldbody> is never closed'],
  ];
  for (const [scene, message] of bad) {
    await expect(makeScene(defineScene(scene))).rejects.toThrow(message);
  }
  expect(() => editScene(antChase(), { 'components.runer.pos': [0, 0, 0] })).toThrow('Did you mean runner?');
});
