// Several agents in one world: what each sees, does and is paid; observers and rewards of one's own; carried parts.
import { type Env, type Info, type Obs, type ObsLayout, rng } from '@gimbal/tensor-core';
import {
  AgentEnv,
  antChase,
  antFollow,
  antHunt,
  antOnBall,
  antSumo,
  assertEnv,
  editScene,
  makeScene,
  makeVectorEnv,
  registerObserver,
  registerReward,
  type Scene,
  sceneFromJson,
  sceneToJson,
} from '../src/index.ts';

const still = (n: number): Float32Array => new Float32Array(n);

/** A named run of an observation. */
const block = (env: Env, obs: Obs, name: string): number[] => {
  const [from, to] = (env.spec.layout as ObsLayout).slice(name);
  return [...(obs as Float32Array).subarray(from, to)];
};

test('an agent sees itself first; elements are those of the whole observation', async () => {
  const env = await makeScene(antChase());
  const { obs } = env.reset({ seed: 3 });
  const all = obs as Float32Array;
  const runner = env.observationOf('runner', all);
  const wanted = ['runner.qpos', 'runner.qvel', 'chaser~runner.rootVector', 'chaser.qpos', 'chaser.qvel'];
  expect([...runner]).toEqual(wanted.flatMap((name) => block(env, all, name)));
  expect(env.agent('runner').observationSpace.shape).toEqual([runner.length]);
  expect(env.agent('runner').actionSpace.shape).toEqual([8]);
  // the two start from the same pose, 2 m apart, with noise of their own
  expect(env.observationOf('chaser', all)).not.toEqual(runner);
  env.close();
});

test('followers see themselves and their vectors, but not the other’s legs; who is left behind ends the episode', async () => {
  const env = await makeScene(editScene(antFollow({ count: 3 }), { resetNoiseScale: 0 }));
  expect(env.agents.map(({ name }) => name)).toEqual(['follower1', 'follower2', 'follower3', 'leader']);
  // 13 + 14 numbers of an ant, three vectors
  for (const { observes } of env.agents) expect(observes).toHaveLength(27 + 9);
  env.reset({ seed: 0 });
  const { info, terminated } = env.step(still(32));
  const paid = info.agentRewards as { [agent: string]: number };
  // on a circle of 2 m: neighbours 2 √2 m apart, the one opposite 4 m
  expect(paid.follower1).toBeCloseTo(21 - 2 * Math.SQRT2, 2);
  expect(paid.follower2).toBeCloseTo(21 - 4, 2);
  expect(paid.leader).toBeCloseTo(5 - 3, 1); // it does not move yet
  expect(terminated).toBe(false);
  const far = env.model.info.qpos0.slice();
  const j = env.model.info.names.joint.indexOf('follower1/root');
  far[env.model.info.jointQpos[j] as number] = -30;
  env.setPose(far, new Float64Array(env.model.info.nv));
  expect(env.step(still(32)).terminated).toBe(true);
  env.close();
});

test('a catch pays the predator, an escape the prey', async () => {
  const env = await makeScene(editScene(antHunt({ count: 1 }), { resetNoiseScale: 0 }));
  const { info } = env.model;
  const at = info.jointQpos[info.names.joint.indexOf('predator1/root')] as number;
  const step = (x: number): { [agent: string]: number } => {
    env.reset({ seed: 0 });
    const pose = info.qpos0.slice();
    pose.set([x, 0], at); // the prey is at (2, 0)
    env.setPose(pose, new Float64Array(info.nv));
    const result = env.step(still(16));
    expect(result.terminated).toBe(true);
    return result.info.agentRewards as { [agent: string]: number };
  };
  const caught = step(2.3);
  expect(caught.predator1).toBeGreaterThan(20_000);
  expect(caught.prey).toBeLessThan(100);
  const escaped = step(-19);
  expect(escaped.prey).toBeGreaterThan(20_000);
  expect(escaped.predator1).toBeLessThan(100);
  env.close();
});

test('sumo: rewards of the centre are opposite, leaving the ring loses and the other wins', async () => {
  const env = await makeScene(editScene(antSumo(), { resetNoiseScale: 0 }));
  env.reset({ seed: 0 });
  const inside = env.step(still(16));
  expect(inside.terminated).toBe(false);
  const { rewards, agentRewards } = inside.info as { [key: string]: { [name: string]: number } };
  expect(rewards?.['east.centre']).toBeCloseTo(Math.exp(-1), 2);
  expect(rewards?.['east.yielded']).toBe(-(rewards?.['east.centre'] as number));
  expect(agentRewards?.east).toBeCloseTo(0, 1);
  const { info } = env.model;
  const pose = info.qpos0.slice();
  pose[info.jointQpos[info.names.joint.indexOf('west/root')] as number] = -3.2;
  env.setPose(pose, new Float64Array(info.nv));
  const end = env.step(still(16));
  expect(end.terminated).toBe(true);
  const paid = (end.info as { agentRewards: { [name: string]: number } }).agentRewards;
  expect((paid.east as number) - (paid.west as number)).toBeGreaterThan(2);
  env.close();
});

test('an ant stands on its ball', async () => {
  const env = await makeScene(antOnBall());
  env.reset({ seed: 0 });
  let steps = 0;
  for (; steps < 10; steps++) if (env.step(still(8)).terminated) break;
  expect(steps).toBe(10);
  const torso = env.model.info.names.body.indexOf('agent1/torso');
  expect(env.sim.xpos[3 * torso + 2]).toBeGreaterThan(6.2);
  env.close();
});

test('one agent’s part is an environment of its own', async () => {
  const scene = await makeScene(editScene(antChase(), { maxSteps: 30 }));
  const seen: number[] = [];
  const env = new AgentEnv(scene, 'chaser', {
    runner: (obs) => {
      seen.push(obs.length);
      return new Float32Array(8).fill(0.5);
    },
  });
  assertEnv(env, { steps: 40 });
  env.reset({ seed: 1 });
  const { reward, obs } = env.step(still(8));
  expect(reward).toBe(scene.agentRewards[0]);
  expect((obs as Float32Array).length).toBe(57);
  expect([...scene.sim.ctrl]).toEqual([...Array(8).fill(0), ...Array(8).fill(0.5)]);
  expect(new Set(seen)).toEqual(new Set([57]));
  expect(env.spec.layout?.names[0]).toBe('chaser.qpos[0]');
  expect(() => new AgentEnv(scene, 'chaser', { runer: 'zero' })).toThrow('Did you mean runner?');
  // at random: the same seed, the same other
  const random = new AgentEnv(scene, 'runner');
  const run = (): unknown => {
    random.reset({ seed: 5 });
    return [random.step(still(8)), random.step(still(8))];
  };
  expect(run()).toEqual(run());
  scene.close();
});

test('vector environments give each agent’s rewards, with any number of workers', async () => {
  const results: unknown[] = [];
  for (const workers of [0, 2, 'auto'] as const) {
    const envs = await makeVectorEnv('AntChase-v0', { numEnvs: 3, workers, options: { maxSteps: 12 } });
    expect(envs.agents.map(({ name }) => name)).toEqual(['chaser', 'runner']);
    await envs.reset({ seed: 0 });
    const stream = rng(1);
    const rows: unknown[] = [];
    const sums = [0, 0];
    for (let t = 0; t < 12; t++) {
      const { reward, infos } = await envs.step(Float32Array.from({ length: 48 }, () => 2 * stream.uniform() - 1));
      for (let i = 0; i < 3; i++) {
        const [a, b] = envs.agentRewards.subarray(2 * i, 2 * i + 2);
        expect((a as number) + (b as number)).toBeCloseTo(reward[i] as number, 5);
      }
      for (const a of [0, 1]) sums[a] = (sums[a] as number) + (envs.agentRewards[a] as number);
      rows.push([...envs.agentRewards]);
      if (t < 11) continue;
      const { agentReturns } = (infos[0] as Info).episode as { agentReturns: { [agent: string]: number } };
      expect(agentReturns.chaser).toBeCloseTo(sums[0] as number, 3);
      expect(agentReturns.runner).toBeCloseTo(sums[1] as number, 3);
    }
    results.push(rows);
    envs.close();
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test('observers and rewards of one’s own are named in the scene, which stays plain data', async () => {
  registerObserver('clock', () => ({
    size: 1,
    write: (sim, out, from) => {
      out[from] = sim.time;
    },
  }));
  registerObserver(
    'distance',
    (a, _, b) => ({
      size: 1,
      write: (_sim, out, from) => {
        out[from] = Math.hypot(...a.root.pos.map((x, i) => x - (b?.root.pos[i] ?? 0)));
      },
    }),
    'edge',
  );
  registerReward('height', ({ a }, { least = 0 }: { least?: number }) => () => ({
    value: a.pos[2] as number,
    done: (a.pos[2] as number) < least,
  }));
  const scene: Scene = sceneFromJson(
    sceneToJson({
      components: {
        a: {
          use: 'ant',
          observe: [
            'clock',
            { use: 'body', params: { name: 'torso', of: 'pos' } },
            { use: 'joint', params: { name: 'hip_2', of: 'vel' } },
          ],
          rewards: { up: { type: 'custom', use: 'height', params: { least: -1 }, scale: 2 } },
        },
        ball: { use: 'sphere', pos: [3, 0, 0] },
      },
      edges: [{ between: ['a', 'ball'], observe: ['distance', 'rootVelocity'] }],
    }),
  );
  const env = await makeScene(scene);
  env.reset({ seed: 0 });
  const { obs, reward } = env.step(still(8));
  const read = (name: string): number[] => block(env, obs, name);
  expect(read('a.clock')[0]).toBeCloseTo(0.05, 6);
  const torso = env.model.info.names.body.indexOf('a/torso');
  expect(read('a.torso.pos')).toEqual([...Float32Array.from(env.sim.xpos.subarray(3 * torso, 3 * torso + 3))]);
  expect(reward).toBeCloseTo(2 * (env.sim.xpos[3 * torso + 2] as number), 6);
  const hip = env.model.info.jointDof[env.model.info.names.joint.indexOf('a/hip_2')] as number;
  expect(read('a.hip_2.vel')[0]).toBeCloseTo(env.sim.qvel[hip] as number, 5);
  expect(read('a~ball.distance')[0]).toBeCloseTo(3, 0);
  env.close();
  const bad: [object, string][] = [
    [{ observe: ['clok'] }, 'scene.components.a.observe: unknown name; got "clok"'],
    [{ observe: [{ use: 'body', params: { name: 'torsoo' } }] }, 'no such body; got "torsoo". Did you mean torso?'],
    [{ observe: [{ use: 'joint', params: { name: 'hip_1', of: 'acc' } }] }, 'no such quantity; got "acc"'],
    [{ rewards: { r: { type: 'custom', use: 'heigth' } } }, 'rewards.r.use: unknown name; got "heigth"'],
    [{ rewards: { r: { type: 'along', direction: [0, 0, 0] } } }, 'no direction'],
    [{ rewards: { r: { type: 'speed', value: 3 } } }, 'rewards.r: unknown key; got "value"'],
  ];
  for (const [changes, message] of bad) {
    await expect(makeScene({ components: { a: { use: 'ant', ...changes } } })).rejects.toThrow(message);
  }
  expect(() => registerObserver('state', () => ({ size: 0, write: () => {} }))).toThrow('the name is taken');
});

test('velocities of roots are observed from the first step on, and 0 after a reset', async () => {
  const scene: Scene = {
    components: { a: { use: 'ant' }, ball: { use: 'sphere', pos: [3, 0, 2] } },
    edges: [{ between: ['a', 'ball'], observe: ['rootVelocity'] }],
    resetNoiseScale: 0,
  };
  const env = await makeScene(scene);
  const { info } = env.model;
  const ball = info.jointDof[info.names.joint.indexOf('ball/root')] as number;
  const moving = new Float64Array(info.nv);
  moving.set([2, -1], ball);
  for (const _ of [1, 2]) {
    const { obs: first } = env.reset({ seed: 0 });
    expect(block(env, first, 'ball.vel')).toEqual([0, 0, 0]);
    env.setPose(info.qpos0, moving);
    const { obs } = env.step(still(8));
    const [x, y] = block(env, obs, 'ball.vel');
    expect([x, y]).toEqual([expect.closeTo(2, 4), expect.closeTo(-1, 4)]);
    expect(block(env, obs, 'a~ball.rootVelocity')[0]).toBeCloseTo(-2, 2);
  }
  env.close();
});

test('a carried body moves with the one that carries it, and keeps its own joints and motors', async () => {
  const gripper = `<mujoco><compiler angle="radian"/><option timestep="0.01" integrator="RK4"/><worldbody>
    <body name="base"><freejoint name="free"/><geom name="g" type="box" size=".05 .05 .05" density="50"/>
      <body name="finger"><joint name="bend" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 .2 0 0" size=".02"
        density="50"/></body></body></worldbody>
    <actuator><motor name="m" joint="bend" gear="0.1"/></actuator></mujoco>`;
  const scene: Scene = {
    components: {
      ant: { use: 'ant', terminates: false },
      hand: { use: 'mjcf', params: { mjcf: gripper }, on: 'ant/torso', pos: [0, 0, 0.35] },
    },
    globalOptions: { timestep: 0.01, integrator: 'RK4' },
  };
  const env = await makeScene(scene);
  const { info } = env.model;
  expect(info.names.joint).not.toContain('hand/free');
  expect(info.names.actuator).toContain('hand/m');
  const base = info.names.body.indexOf('hand/base');
  expect(info.bodyParent[base]).toBe(info.names.body.indexOf('ant/torso'));
  env.reset({ seed: 0 });
  for (let t = 0; t < 20; t++) env.step(new Float32Array(9).fill(0.3));
  const torso = info.names.body.indexOf('ant/torso');
  const away = [0, 1, 2].map((i) => (env.sim.xpos[3 * base + i] as number) - (env.sim.xpos[3 * torso + i] as number));
  expect(Math.hypot(...away)).toBeCloseTo(0.35, 6);
  env.close();
  const on = (carrier: string): Promise<unknown> =>
    makeScene({
      ...scene,
      components: { ...scene.components, hand: { ...scene.components.hand, on: carrier } },
    } as Scene);
  await expect(on('ant/torsoo')).rejects.toThrow('no such body; got "ant/torsoo". Did you mean ant/torso?');
  await expect(on('hand')).rejects.toThrow('components that carry each other');
  await expect(on('antt')).rejects.toThrow('unknown name; got "antt"');
});
