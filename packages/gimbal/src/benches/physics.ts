// Environment steps per second for each MuJoCo task: one environment on one core, and sixteen on all. Beside it
// Python's Gymnasium with native MuJoCo: a single environment, and SyncVectorEnv. Then pictures on one core.
import { availableParallelism } from 'node:os';
import { type BufferedEnv, type MujocoEnv, makeEnv, makeVectorEnv, Rasterizer } from '@gimbal/control-envs';
import { type Env, rng } from '@gimbal/tensor-core';
import { compare, known } from '../bench/row.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';

const tasks = [
  'Hopper-v5',
  'Walker2d-v5',
  'HalfCheetah-v5',
  'Ant-v5',
  'Humanoid-v5',
  'Swimmer-v5',
  'Reacher-v5',
  'Pusher-v5',
  'InvertedPendulum-v5',
  'InvertedDoublePendulum-v5',
] as const;

/** Bodies whose WASM physics alone is slower than Gymnasium's whole step: measured, without a goal of 1. */
const heavy: readonly string[] = ['Ant-v5', 'Humanoid-v5'];
const copies = 16;
/** steps before anything is timed, in each thread: WebAssembly is compiled again while it runs */
const warmUp = 3000;
const wholeStep = { unit: 'steps/s', value: (seconds: number) => 1 / seconds, more: true };
const sampling = { rounds: 7, roundSeconds: 0.15, budgetSeconds: 8 };

export const suite = defineSuite({
  name: 'physics',
  summary: 'environment steps on one core and on all',
  async *run(context) {
    const peer = await context.peer('physics.py');
    // this thread steps a share, one worker each of the others
    const cores = Math.min(context.threads, availableParallelism());
    const workers = cores === availableParallelism() ? 'auto' : cores;
    for (const id of tasks) {
      const env = (await makeEnv(id)) as Env as MujocoEnv;
      const step = stepper(env);
      step(warmUp);
      const goal = heavy.includes(id) ? null : 1;
      const against = { peer, case: 'single', arguments: { id } };
      yield await compare(context, { ...wholeStep, name: id, goal, work: step, against, sampling });
      // the physics of a step, as the environment asks for it, against the whole step
      const share = await physicsShare(env, step);
      yield {
        ...known({ name: `${id}, physics in a step`, unit: '%', ours: 100 * share, peer: null, hostKernels: 0 }),
        ratio: share,
        goal: 0.8,
      };
      env.close();
    }
    for (const id of tasks) {
      const envs = await makeVectorEnv(id, { numEnvs: copies, workers, buffers: 'shared' });
      await envs.reset({ seed: 0 });
      const size = envs.actionSpace.kind === 'box' ? envs.actionSpace.low.length : 1;
      const actions = randomActions(envs.actionSpace, 100 * copies);
      let t = 0;
      const work = async (calls: number): Promise<void> => {
        for (let i = 0; i < calls; i++) {
          const from = (t++ % 100) * copies * size;
          await envs.step(actions.subarray(from, from + copies * size));
        }
      };
      await work(Math.ceil((warmUp * cores) / copies));
      const against = { peer, case: 'vector', arguments: { id, copies } };
      const name = `${id}, ${copies} copies on ${cores} ${cores === 1 ? 'core' : 'cores'}`;
      const goal = cores < 2 ? null : heavy.includes(id) ? 1.4 : 1.8;
      yield await compare(context, { ...wholeStep, value: (s) => copies / s, name, goal, work, against, sampling });
      envs.close();
    }
    for (const size of [64, 128, 256]) yield pictures(context, size);
  },
});

/** Frames that observations of 64 × 64 should give in a second: training waits for physics then, not for pictures. */
const framesWanted = 1500;

/** The scene of a tri-finger robot: three fingers of links and tips, a cube to move, the arena around. */
function triFinger(): string {
  const finger = (
    k: number,
  ): string => `<body pos="0 0 0.29" euler="0 0 ${120 * k}"><geom type="cylinder" size=".03 .04"/>
    <body pos="0.05 0 0"><joint name="a${k}" axis="1 0 0"/><geom type="capsule" fromto="0 0 0 .06 0 0" size=".02"/>
    <body pos="0.06 0 0"><joint name="b${k}" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 .05 0 -.15" size=".016"/>
    <body pos="0.05 0 -0.15"><joint name="c${k}" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 -.04 0 -.14" size=".012"/>
    <geom type="sphere" pos="-.04 0 -.14" size=".016" rgba=".2 .2 .2 1"/><geom type="box" pos="0 0 -.05" size=".008 .014 .03"/>
    </body></body></body></body>`;
  const wall = (k: number): string => {
    const angle = (Math.PI * k) / 4;
    const place = `pos="${0.24 * Math.cos(angle)} ${0.24 * Math.sin(angle)} .03" euler="0 0 ${45 * k}"`;
    return `<geom type="box" size=".005 .1 .03" ${place} rgba=".5 .5 .55 1"/>`;
  };
  return `<mujoco><worldbody><geom type="plane" size="0 0 1" rgba=".6 .6 .6 1"/>
    ${[0, 1, 2].map(finger).join('')}${[0, 1, 2, 3, 4, 5, 6, 7].map(wall).join('')}
    <body pos="0.03 0.02 .0325"><freejoint/><geom type="box" size=".0325 .0325 .0325" rgba=".8 .2 .2 1"/></body>
    </worldbody></mujoco>`;
}

async function pictures(context: SuiteContext, size: number): Promise<BenchRow> {
  const { compileMjcf, defaultCamera } = await import('@gimbal/control-envs');
  const model = await compileMjcf(triFinger(), { source: 'tri-finger' });
  const sim = model.simulate();
  sim.forward();
  const rasterizer = new Rasterizer(model.info, size, size);
  const out = new Uint8Array(size * size * 3);
  const camera = { ...defaultCamera, elevation: -0.7, distance: 0.8, lookat: [0, 0, 0.1] as const };
  let turn = 0;
  const work = (calls: number): void => {
    for (let i = 0; i < calls; i++) {
      turn += 0.01; // another view each time
      rasterizer.render(sim, { ...camera, azimuth: turn }, out);
    }
  };
  const name = `pictures ${size} × ${size} of ${model.info.geomType.length} shapes`;
  const row = await compare(context, { name, unit: 'frames/s', value: (s) => 1 / s, more: true, work, sampling });
  sim.close();
  model.close();
  // without a peer: against the rate that training asks for
  return size === 64 ? { ...row, ratio: row.ours / framesWanted, goal: 1 } : row;
}

/** Random actions, reset when an episode ends; nothing is created in a step. */
function stepper(env: BufferedEnv): (calls: number) => void {
  const size = env.actionSpace.kind === 'box' ? env.actionSpace.low.length : 1;
  const actions = randomActions(env.actionSpace, 1000);
  const rows = Array.from({ length: 1000 }, (_, i) => actions.subarray(i * size, (i + 1) * size));
  const { obs } = env.reset({ seed: 0 });
  let t = 0;
  return (calls) => {
    for (let i = 0; i < calls; i++) {
      env.stepInto(rows[t++ % 1000] as Float32Array, obs);
      if (env.terminated || env.truncated) env.resetInto(obs);
    }
  };
}

function randomActions(space: Env['actionSpace'], count: number): Float32Array {
  if (space.kind !== 'box') throw new TypeError('the tasks have continuous actions');
  const stream = rng(0).split('bench');
  const size = space.low.length;
  const [low, high] = [space.low, space.high];
  return Float32Array.from({ length: count * size }, (_, i) => {
    const [l, h] = [low[i % size] as number, high[i % size] as number];
    return l + (h - l) * stream.uniform();
  });
}

/** Time inside the engine while the environment steps, as a part of the whole. */
async function physicsShare(env: MujocoEnv, step: (calls: number) => void): Promise<number> {
  const { sim } = env;
  let inside = 0;
  const timed = { step: sim.step, contactForces: sim.contactForces };
  for (const name of ['step', 'contactForces'] as const) {
    const original = timed[name] as (n: number) => void;
    sim[name] = (n?: number) => {
      const began = performance.now();
      original.call(sim, n as number);
      inside += performance.now() - began;
    };
  }
  const began = performance.now();
  step(3000);
  const whole = performance.now() - began;
  Object.assign(sim, timed);
  return inside / whole;
}
