/** What a body did, frame by frame, with all that is needed to show it: plain JSON. */
import type { Action, Env } from '@gimbal/tensor-core';
import { encodeBytes, encodeFloats } from './base64.ts';
import { type Body, bodyOf } from './body.ts';
import { type RecordedGeom, recordedGeoms, short, writePoses } from './shapes.ts';

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
  meshes: {
    vertices: string;
    faces: number[];
    /** where it has them: base64 of float32 `[3 * faces, 2]`, texture coordinates of each corner */
    texcoords?: string;
  }[];
  /** pictures on shapes: base64 of rgb `[height * width * 3]`, the first row where the coordinate v is 0 */
  textures?: { width: number; height: number; rgb: string }[];
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

/** Takes down what an environment's body does, frame by frame. */
export class Recorder {
  readonly #body: Body;
  readonly #recording: Recording;
  readonly #poses: Float32Array[] = [];

  /** @throws DataError for an environment without a body to show */
  constructor(env: Env, seed: number) {
    const body = bodyOf(env, 'record');
    this.#body = body;
    const { shapes } = body;
    this.#recording = {
      format: 'gimbal-recording',
      version: 1,
      env: env.spec.id,
      seed,
      dt: body.frameSeconds,
      geoms: recordedGeoms(shapes),
      meshes: shapes.meshes.map(({ vertices, faces, texcoords }) => ({
        vertices: encodeFloats(vertices),
        faces: [...faces],
        ...(texcoords !== undefined && { texcoords: encodeFloats(texcoords) }),
      })),
      ...(shapes.textures.length > 0 && {
        textures: shapes.textures.map(({ width, height, rgb }) => ({ width, height, rgb: encodeBytes(rgb) })),
      }),
      frames: 0,
      poses: '',
      contacts: [],
      rewards: [],
      actions: [],
      episodes: [],
    };
  }

  /** The state after a reset. */
  begin(): void {
    this.#recording.episodes.push(this.#poses.length);
    this.#frame();
  }

  /** A step and the state after it, which is the first of a new episode where the step ended one and it was reset. */
  step(action: Action, reward: number, newEpisode = false): void {
    this.#recording.actions.push(typeof action === 'number' ? [action] : [...action]);
    this.#recording.rewards.push(short(reward));
    if (newEpisode) this.#recording.episodes.push(this.#poses.length);
    this.#frame();
  }

  /** What was taken down so far. */
  finish(): Recording {
    const poses = new Float32Array(this.#poses.reduce((n, frame) => n + frame.length, 0));
    for (const [i, frame] of this.#poses.entries()) poses.set(frame, i * frame.length);
    return { ...this.#recording, frames: this.#poses.length, poses: encodeFloats(poses) };
  }

  #frame(): void {
    const poses = new Float32Array(7 * this.#body.shapes.geomType.length);
    writePoses(this.#body.poses(), poses, 0);
    this.#poses.push(poses);
    this.#recording.contacts.push(this.#body.contacts());
  }
}
