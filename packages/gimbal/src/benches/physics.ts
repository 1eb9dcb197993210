// Environment steps per second for each MuJoCo task: one environment on one core, and sixteen on workers. Beside it
// Python's Gymnasium with native MuJoCo: a single environment, and SyncVectorEnv.
import { availableParallelism } from 'node:os';
import { type BufferedEnv, type MujocoEnv, makeEnv, makeVectorEnv } from '@gimbal/control-envs';
import { type Env, rng } from '@gimbal/tensor-core';
import { compare, known } from '../bench/row.ts';
import { defineSuite } from '../bench/suite.ts';

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
    const workers = Math.min(context.threads, availableParallelism());
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
      await work(Math.ceil((warmUp * workers) / copies));
      const against = { peer, case: 'vector', arguments: { id, copies } };
      const name = `${id}, ${copies} copies on ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
      const goal = workers < 2 ? null : heavy.includes(id) ? 1.4 : 1.8;
      yield await compare(context, { ...wholeStep, value: (s) => copies / s, name, goal, work, against, sampling });
      envs.close();
    }
  },
});

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
