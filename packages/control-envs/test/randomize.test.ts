// Constants of the physics that are drawn anew for each episode.
import { type Env, rng } from '@gimbal/tensor-core';
import {
  compileMjcf,
  type MujocoEnv,
  type MujocoSimulation,
  makeEnv,
  makeVectorEnv,
  type Randomize,
} from '../src/index.ts';
import { unitFactors } from '../src/physics/randomize.ts';

const make = async (id: string, options: object = {}): Promise<MujocoEnv> =>
  (await makeEnv(id, options)) as Env as MujocoEnv;

describe('a factor does what its name says', () => {
  /** A cart of 2 kg on a rail with a motor, damped; beside it a box that slides on the ground. */
  const text = `<mujoco><option timestep="0.001"/><worldbody>
    <geom type="plane" size="9 9 1" friction="0.5 0 0"/>
    <body pos="0 3 1"><joint name="rail" type="slide" axis="1 0 0" damping="4"/><geom name="cart" type="box" size=".1 .1 .1" mass="2"
      contype="0" conaffinity="0"/></body>
    <body pos="0 0 .1"><freejoint/><geom name="box" type="box" size=".1 .1 .1" mass="1" friction="0.5 0 0"/></body>
    <body pos="0 -3 5"><freejoint/><geom name="stone" type="sphere" size=".1" mass="1"/></body>
  </worldbody><actuator><motor joint="rail" gear="3" ctrlrange="-1 1" ctrllimited="true"/></actuator></mujoco>`;
  const run = async (
    change: (f: ReturnType<typeof unitFactors>['factors']) => void,
    look: (sim: MujocoSimulation) => number,
    steps: number,
    control = 0,
  ): Promise<number> => {
    const model = await compileMjcf(text);
    const sim = model.simulate();
    const { factors } = unitFactors(model.info);
    change(factors);
    sim.vary(factors);
    sim.ctrl[0] = control;
    sim.qvel[1] = 1; // the box slides along x
    sim.step(steps);
    const seen = look(sim);
    sim.close();
    model.close();
    return seen;
  };
  const cart = (sim: MujocoSimulation): number => sim.qvel[0] as number;

  test('mass and gear: a = gear·u/m; damping: the speed at which it eats the force', async () => {
    expect(await run(() => {}, cart, 1, 1)).toBeCloseTo((0.001 * 3) / 2, 5);
    expect(await run((f) => f.mass.fill(4), cart, 1, 1)).toBeCloseTo((0.001 * 3) / 8, 5);
    expect(await run((f) => f.gear.fill(0.5), cart, 1, 1)).toBeCloseTo((0.001 * 1.5) / 2, 5);
    expect(await run(() => {}, cart, 9000, 1)).toBeCloseTo(3 / 4, 3);
    expect(await run((f) => f.damping.fill(2), cart, 9000, 1)).toBeCloseTo(3 / 8, 3);
  });

  test('gravity: what falls; friction: what slows a sliding box', async () => {
    const stone = (sim: MujocoSimulation): number => sim.qvel[9] as number;
    expect(await run(() => {}, stone, 100)).toBeCloseTo(-0.981, 4);
    expect(await run((f) => f.gravity.fill(0.5), stone, 100)).toBeCloseTo(-0.4905, 4);
    const box = (sim: MujocoSimulation): number => sim.qvel[1] as number;
    const slowed = 1 - (await run(() => {}, box, 100));
    expect(slowed).toBeCloseTo(0.5 * 0.981, 1);
    expect(1 - (await run((f) => f.friction.fill(0.2), box, 100))).toBeCloseTo(0.2 * slowed, 1);
  });
});

const some: Randomize = {
  mass: [0.8, 1.2],
  friction: [0.5, 1.5],
  gear: [0.9, 1.1],
  damping: [0.5, 2],
  gravity: [0.9, 1.1],
};
const run = (env: Env, steps: number): number[] => {
  const stream = rng(5);
  const seen: number[] = [];
  for (let t = 0; t < steps; t++) {
    const high = env.actionSpace.kind === 'box' ? env.actionSpace.high : [];
    const { obs, reward, terminated, truncated } = env.step(
      Float32Array.from(high, (h) => h * (2 * stream.uniform() - 1)),
    );
    seen.push(...(obs as Float64Array), reward);
    if (terminated || truncated) seen.push(...(env.reset().obs as Float64Array));
  }
  return seen;
};

test.each(['Ant-v5', 'Hopper-v5', 'Humanoid-v5', 'Pusher-v5'])('%s: factors of 1 change no bit', async (id) => {
  const one: Randomize = { mass: [1, 1], friction: [1, 1], damping: [1, 1], gear: [1, 1], gravity: [1, 1] };
  const seen: number[][] = [];
  for (const options of [{}, { randomize: one }]) {
    const env = await make(id, options);
    env.reset({ seed: 1 });
    env.setPose(env.model.info.qpos0, new Float64Array(env.model.info.nv));
    seen.push([...(env.step(new Float32Array(env.model.info.nu).fill(0.3)).obs as Float64Array), ...env.sim.qpos]);
    for (let t = 0; t < 15 && !env.terminated; t++)
      seen.at(-1)?.push(...(env.step(new Float32Array(env.model.info.nu).fill(-0.2)).obs as Float64Array), env.reward);
    env.close();
  }
  expect(seen[1]).toEqual(seen[0]);
});

test('each episode has its own, within the ranges, and the same from the same seed', async () => {
  const env = await make('Hopper-v5', { randomize: some });
  const drawn = (): number[][] => Object.values(env.factors ?? {}).map((x: Float64Array) => [...x]);
  env.reset({ seed: 3 });
  const first = drawn();
  env.reset();
  const second = drawn();
  env.reset({ seed: 3 });
  expect(drawn()).toEqual(first);
  expect(second).not.toEqual(first);
  for (const [i, [low, high]] of Object.values(some).entries()) {
    const name = Object.keys(some)[i] as keyof Randomize;
    for (const x of env.factors?.[name] ?? []) {
      expect(x).toBeGreaterThanOrEqual(low);
      expect(x).toBeLessThanOrEqual(high);
    }
  }
  expect(new Set(env.factors?.mass).size).toBe(env.factors?.mass.length); // every body its own
  env.close();
  const plain = await make('Hopper-v5');
  expect(plain.factors).toBeUndefined();
  plain.close();
});

test('they are part of the state: another copy goes on to the bit, through resets', async () => {
  const [a, b] = [await make('Hopper-v5', { randomize: some }), await make('Hopper-v5', { randomize: some })];
  a.reset({ seed: 1 });
  b.reset({ seed: 2 });
  run(a, 7);
  b.restore(a.snapshot());
  expect(b.factors).toEqual(a.factors);
  expect(run(b, 80)).toEqual(run(a, 80));
  a.close();
  b.close();
});

test('copies on workers are those of single environments', async () => {
  const seen: number[][] = [];
  for (const workers of [0, 2]) {
    const envs = await makeVectorEnv('Hopper-v5', { numEnvs: 3, workers, seed: 4, options: { randomize: some } });
    const { obs } = await envs.reset();
    seen.push([...(obs as Float64Array)]);
    for (let t = 0; t < 30; t++)
      seen.at(-1)?.push(...((await envs.step(new Float32Array(9).fill(0.5))).obs as Float64Array));
    envs.close();
  }
  expect(seen[1]).toEqual(seen[0]);
  const single = await make('Hopper-v5', { randomize: some });
  expect([...(single.reset({ seed: 5 }).obs as Float64Array)]).toEqual(seen[0]?.slice(11, 22));
  single.close();
});

test('what is no range is refused before anything is drawn', async () => {
  await expect(make('Hopper-v5', { randomize: { mass: [0, 1] } })).rejects.toThrow(
    'Hopper-v5: randomize.mass: out of range; got [0,1], wanted [low, high], factors above 0 in order',
  );
  await expect(make('Hopper-v5', { randomize: { gear: [2, 1] } })).rejects.toThrow('randomize.gear');
  await expect(make('Hopper-v5', { randomize: { masss: [1, 2] } as never })).rejects.toThrow('Did you mean mass?');
  await expect(make('CartPole-v1', { randomize: some })).rejects.toThrow('randomize');
});
