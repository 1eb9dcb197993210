// Room for a second physics library: a scene runs on one that is written here, chosen by its name.
import {
  type ModelInfo,
  makeEnv,
  makeScene,
  type PhysicsModel,
  type PhysicsSimulation,
  registerEngine,
} from '../src/index.ts';

/** Free bodies that fall and nothing else; constants of the model are borrowed from MuJoCo's compiler. */
class Falling implements PhysicsSimulation {
  time = 0;
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly ctrl: Float64Array;
  readonly xpos: Float64Array;
  readonly xquat: Float64Array;
  readonly zeros = new Float64Array(1000);
  readonly qfrcActuator = this.zeros;
  readonly qfrcConstraint = this.zeros;
  readonly xipos = this.zeros;
  readonly xmat = this.zeros;
  readonly geomXpos = this.zeros;
  readonly geomXmat = this.zeros;
  readonly siteXpos = this.zeros;
  readonly sensordata = this.zeros;
  readonly cinert = this.zeros;
  readonly cvel = this.zeros;
  readonly cfrcExt = this.zeros;
  readonly contactCount = 0;

  constructor(readonly info: ModelInfo) {
    this.qpos = info.qpos0.slice();
    this.qvel = new Float64Array(info.nv);
    this.ctrl = new Float64Array(info.nu);
    this.xpos = new Float64Array(3 * info.names.body.length);
    this.xquat = new Float64Array(4 * info.names.body.length);
  }
  step(n: number): void {
    const { info, qpos, qvel } = this;
    for (let s = 0; s < n; s++) {
      for (let j = 0; j < info.jointType.length; j++) {
        const [q, v] = [info.jointQpos[j] as number, info.jointDof[j] as number];
        qvel[v + 2] = (qvel[v + 2] as number) - 9.81 * info.timestep;
        for (let i = 0; i < 3; i++) qpos[q + i] = (qpos[q + i] as number) + (qvel[v + i] as number) * info.timestep;
      }
      this.time += info.timestep;
    }
    this.kinematics();
  }
  kinematics(): void {
    for (const [j, b] of this.info.jointBody.entries()) {
      const q = this.info.jointQpos[j] as number;
      this.xpos.set(this.qpos.subarray(q, q + 3), 3 * b);
      this.xquat.set(this.qpos.subarray(q + 3, q + 7), 4 * b);
    }
  }
  forward(): void {
    this.kinematics();
  }
  contactForces(): void {}
  refresh(): void {}
  close(): void {}
  reset(): void {
    this.qpos.set(this.info.qpos0);
    this.qvel.fill(0);
    this.time = 0;
  }
  diverged(): boolean {
    return this.qpos.some((q) => !Number.isFinite(q));
  }
  stateSize(): number {
    return 1 + this.qpos.length + this.qvel.length;
  }
  getState(_: 'full' | 'integration', out = new Float64Array(this.stateSize())): Float64Array {
    out.set([this.time, ...this.qpos, ...this.qvel]);
    return out;
  }
  setState(state: Float64Array): void {
    this.time = state[0] as number;
    this.qpos.set(state.subarray(1, 1 + this.qpos.length));
    this.qvel.set(state.subarray(1 + this.qpos.length));
  }
  contact(): never {
    throw new TypeError('it has no contacts');
  }
  contacts(): never[] {
    return [];
  }
}

const ball = `<mujoco><worldbody><body name="body"><freejoint name="root"/><geom size="0.5"/></body></worldbody>
  <actuator><motor name="thrust" joint="root" gear="0 0 1 0 0 0" ctrlrange="-1 1" ctrllimited="true"/></actuator></mujoco>`;

test('a scene runs on the library that it names', async () => {
  const { compileMjcf } = await import('../src/index.ts');
  registerEngine({
    name: 'falling',
    async compile(mjcf, options): Promise<PhysicsModel> {
      const { info, ...model } = await compileMjcf(mjcf, options);
      return { info, mjcf, simulate: () => new Falling(info), close: () => model };
    },
  });
  const env = await makeScene(
    { components: { ball: { use: 'mjcf', params: { mjcf: ball }, pos: [1, 0, 4] } }, resetNoiseScale: 0 },
    'Ball-v0',
    'falling',
  );
  env.reset({ seed: 0 });
  for (let t = 0; t < 20; t++) env.step(new Float32Array(1));
  const seconds = 20 * env.dt;
  // semi-implicit Euler: the sum of n steps is g dt² n (n + 1) / 2
  const n = 20 * env.frameSkip;
  const fallen = (9.81 * (seconds / n) ** 2 * n * (n + 1)) / 2;
  expect(env.sim.qpos[2]).toBeCloseTo(4 - fallen, 9);
  expect(env.sim).toBeInstanceOf(Falling);
  const state = env.getState();
  env.step(new Float32Array(1));
  env.setState(state);
  expect(env.sim.qpos[2]).toBeCloseTo(4 - fallen, 9);
  env.close();
  await expect(makeEnv('AntRun-v0', { engine: 'faling' })).rejects.toThrow(
    'no such physics library; got "faling". Did you mean falling?',
  );
  await expect(makeEnv('Ant-v5', { engine: 'bullet' })).rejects.toThrow('no such physics library; got "bullet"');
  expect(() => registerEngine({ name: 'mujoco', compile: compileMjcf })).toThrow('the name is taken');
});
