// Environment steps per second for each MuJoCo task: one environment on one core, and sixteen on all. Beside it
// Python's Gymnasium with native MuJoCo: a single environment, and SyncVectorEnv with the same autoreset. Then pictures on
// one core.
import { availableParallelism } from 'node:os';
import { type BufferedEnv, type MujocoEnv, makeEnv, makeVectorEnv } from '@gimbal/control-envs';
import { type Env, rng } from '@gimbal/tensor-core';
import type { Peer } from '../bench/peer.ts';
import { compare, known } from '../bench/row.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { drawing } from './internal/pictures.ts';

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

/**
 * Bodies whose WASM physics alone is slower than Gymnasium's whole step: their ratio has no goal on one core, but the step
 * costs at most 1.1 times that physics.
 */
const heavy: readonly string[] = ['Ant-v5', 'Humanoid-v5'];
const pictures = 'pictures';
const copies = 16;
/** steps before anything is timed, in each thread: WebAssembly is compiled again while it runs */
const warmUp = 3000;
const wholeStep = { unit: 'steps/s', value: (seconds: number) => 1 / seconds, more: true };
const sampling = { rounds: 7, roundSeconds: 0.15, budgetSeconds: 8 };

export const suite = defineSuite({
  name: 'physics',
  summary: 'environment steps on one core and on all',
  parts: [...tasks, pictures],
  async *run(context) {
    const peer = await context.peer('physics.py');
    // this thread steps a share, one worker each of the others
    const cores = Math.min(context.threads, availableParallelism());
    for (const id of tasks) {
      if (!context.wants(id)) continue;
      yield* onOneCore(context, id, peer);
      yield await onAllCores(context, id, peer, cores);
    }
    if (context.wants(pictures)) for (const size of [64, 128, 256]) yield drawing(context, size, sampling);
  },
});

async function* onOneCore(context: SuiteContext, id: string, peer: Peer | undefined): AsyncIterable<BenchRow> {
  const env = (await makeEnv(id)) as Env as MujocoEnv;
  const step = stepper(env);
  step(warmUp);
  const goal = heavy.includes(id) ? null : 1;
  const against = { peer, case: 'single', arguments: { id } };
  yield await compare(context, { ...wholeStep, name: `${id}, one core`, goal, work: step, against, sampling });
  const share = physicsShare(env, step);
  yield {
    ...known({ name: `${id}, physics in a step`, unit: '%', ours: 100 * share, peer: null, hostKernels: 0 }),
    ratio: share,
    goal: heavy.includes(id) ? 1 / 1.1 : 0.8,
  };
  env.close();
}

async function onAllCores(context: SuiteContext, id: string, peer: Peer | undefined, cores: number): Promise<BenchRow> {
  const workers = cores === availableParallelism() ? 'auto' : cores;
  // the mode of SyncVectorEnv, in which a reset takes the place of a step: other modes would do more in a call
  const envs = await makeVectorEnv(id, { numEnvs: copies, workers, buffers: 'shared', autoresetMode: 'next-step' });
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
  const row = await compare(context, { ...wholeStep, value: (s) => copies / s, name, goal, work, against, sampling });
  envs.close();
  return row;
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

/** Time inside the engine while the environment steps (and resets, as episodes end), as a part of the whole. */
function physicsShare({ sim }: MujocoEnv, step: (calls: number) => void): number {
  let inside = 0;
  const timed = { step: sim.step, contactForces: sim.contactForces, forward: sim.forward, reset: sim.reset };
  for (const name of Object.keys(timed) as (keyof typeof timed)[]) {
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
