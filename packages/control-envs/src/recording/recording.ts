/** What a body did, frame by frame, with all that is needed to show it: plain JSON. */
import { type Action, DataError, type Env, rng } from '@gimbal/tensor-core';
import type { ModelInfo } from '../mujoco/model-info.ts';
import { sample } from '../spaces/value.ts';
import type { MujocoEnv } from '../tasks/mujoco-env.ts';
import { unwrapped } from '../wrappers/wrapper.ts';
import { decodeFloats, encodeFloats } from './base64.ts';
import { quatOfMatrix } from './quat.ts';

export interface RecordedGeom {
  type: number;
  size: readonly [number, number, number];
  rgba: readonly [number, number, number, number];
  /** index into `meshes` */
  mesh?: number;
}

/** One run of an environment as plain JSON: the shapes of its model and where they were in each frame. */
export interface Recording {
  format: 'gimbal-recording';
  version: 1;
  /** id of the environment */
  env: string;
  /** seed of the first reset */
  seed: number;
  /** seconds between two frames */
  dt: number;
  /** the model's shapes `[ngeom]`; hidden ones have opacity 0 */
  geoms: RecordedGeom[];
  /** `vertices`: base64 of float32 `[n, 3]`, metres; `faces`: three vertex indices for each triangle */
  meshes: { vertices: string; faces: number[] }[];
  /** number of frames; the first is the state after the reset */
  frames: number;
  /** base64 of float32 `[frames, ngeom, 7]`: position, quaternion w x y z */
  poses: string;
  /** contact points of each frame, `[x, y, z, force]` one after another */
  contacts: number[][];
  /** reward of the step to each frame but the first `[frames - 1]`, to four decimals */
  rewards: number[];
  /** action of the step to each frame but the first `[frames - 1]`; a discrete one as an array of one number */
  actions: number[][];
  /** frames at which an episode begins */
  episodes: number[];
}

/** Chooses actions: 'random', 'zero', recorded ones (repeated from the start when they end), or a function. */
export type RecordPolicy = 'random' | 'zero' | readonly (readonly number[])[] | ((obs: unknown) => Action);

/** How long and with which actions `recordEpisode` runs. */
export interface RecordOptions {
  /** default 200 */
  steps?: number;
  /** default 0 */
  seed?: number;
  /** who acts; default 'random', which draws from the seed */
  policy?: RecordPolicy;
  /** called after each frame, for pictures on the way */
  onFrame?: (env: MujocoEnv) => void;
}

/**
 * Runs an environment and records it; episodes that end begin again.
 * @throws DataError for an environment without a body to show
 */
export function recordEpisode(
  env: Env,
  { steps = 200, seed = 0, policy = 'random', onFrame }: RecordOptions = {},
): Recording {
  const body = unwrapped(env) as MujocoEnv;
  if (!('sim' in body)) {
    const fix = 'Recordings show MuJoCo tasks and composed scenes';
    throw new DataError({ where: `record ${env.spec.id}`, what: 'nothing to show', fix });
  }
  const { info } = body.model;
  const poses = new Float32Array((steps + 1) * info.geomType.length * 7);
  const recording: Recording = {
    format: 'gimbal-recording',
    version: 1,
    env: env.spec.id,
    seed,
    dt: env.spec.dtSeconds,
    geoms: recordedGeoms(info),
    meshes: info.meshes.map(({ vertices, faces }) => ({ vertices: encodeFloats(vertices), faces: [...faces] })),
    frames: steps + 1,
    poses: '',
    contacts: [],
    rewards: [],
    actions: [],
    episodes: [0],
  };
  const capture = (frame: number): void => {
    writePoses(body, poses, frame);
    const points = body.sim.contacts().filter(({ distance }) => distance < 0);
    recording.contacts.push(points.flatMap(({ position, force }) => [...position, Math.hypot(...force)].map(short)));
    onFrame?.(body);
  };
  const choose = chooser(env, policy, seed);
  let { obs } = env.reset({ seed });
  capture(0);
  for (let t = 0; t < steps; t++) {
    const action = choose(obs, t);
    const result = env.step(action);
    recording.actions.push(typeof action === 'number' ? [action] : [...action]);
    recording.rewards.push(short(result.reward));
    obs = result.obs;
    if (result.terminated || result.truncated) {
      obs = env.reset().obs;
      recording.episodes.push(t + 1);
    }
    capture(t + 1);
  }
  recording.poses = encodeFloats(poses);
  return recording;
}

/**
 * Reads a recording from JSON text.
 * @param source its name in errors; default `recording`
 * @throws DataError for what is no recording
 */
export function parseRecording(text: string, source = 'recording'): Recording {
  let recording: Recording;
  try {
    recording = JSON.parse(text);
  } catch (cause) {
    throw new DataError({ where: source, what: `no JSON: ${(cause as Error).message}`, cause });
  }
  if (recording?.format !== 'gimbal-recording' || recording.version !== 1) {
    const wanted = 'a file that `gimbal control record` wrote';
    throw new DataError({ where: source, what: 'not a recording', got: recording?.format, wanted });
  }
  const floats = decodeFloats(recording.poses).length;
  const wanted = recording.frames * recording.geoms.length * 7;
  if (floats !== wanted) throw new DataError({ where: source, what: 'poses are incomplete', got: floats, wanted });
  return recording;
}

function recordedGeoms(info: ModelInfo): RecordedGeom[] {
  return [...info.geomType.keys()].map((g) => {
    const mesh = info.geomData[g] as number;
    const hidden = (info.geomGroup[g] as number) >= 3;
    const [red, green, blue, alpha] = [...info.geomRgba.subarray(4 * g, 4 * g + 4)].map(short);
    return {
      type: info.geomType[g] as number,
      size: [...info.geomSize.subarray(3 * g, 3 * g + 3)] as [number, number, number],
      rgba: [red as number, green as number, blue as number, hidden ? 0 : (alpha as number)] as const,
      ...(mesh >= 0 && { mesh }),
    };
  });
}

function writePoses({ sim, model }: MujocoEnv, poses: Float32Array, frame: number): void {
  sim.refresh();
  const count = model.info.geomType.length;
  for (let g = 0; g < count; g++) {
    const at = 7 * (frame * count + g);
    poses.set(sim.geomXpos.subarray(3 * g, 3 * g + 3), at);
    quatOfMatrix(sim.geomXmat, 9 * g, poses, at + 3);
  }
}

function chooser(env: Env, policy: RecordPolicy, seed: number): (obs: unknown, t: number) => Action {
  if (typeof policy === 'function') return policy;
  if (policy === 'random') {
    const stream = rng(seed).split('record');
    return () => sample(env.actionSpace, stream) as Action;
  }
  if (policy === 'zero') {
    const { actionSpace } = env;
    return () => (actionSpace.kind === 'box' ? new Float32Array(actionSpace.low.length) : 0);
  }
  if (policy.length === 0) throw new DataError({ where: 'record', what: 'no recorded actions' });
  return (_, t) => {
    const action = policy[t % policy.length] as readonly number[];
    return env.actionSpace.kind === 'discrete' ? (action[0] as number) : Float32Array.from(action);
  };
}

/** Four digits, and no −0, which JSON does not keep. */
const short = (x: number): number => Math.round(x * 1e4) / 1e4 + 0;
