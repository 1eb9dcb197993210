/** What a viewer shows: a recording, or a simulation that steps while it is watched. */
import { decodeFloats } from '../recording/base64.ts';
import type { RecordedGeom, Recording } from '../recording/recording.ts';

export interface ViewerMesh {
  vertices: Float32Array;
  faces: readonly number[];
}

export interface ViewerSource {
  readonly title: string;
  readonly geoms: readonly RecordedGeom[];
  readonly meshes: readonly ViewerMesh[];
  /** seconds between frames */
  readonly dt: number;
  /** number of frames; Infinity for a live one, whose frames come one after another */
  readonly frames: number;
  /** `[ngeom, 7]` of a frame: position, quaternion w x y z; a live source steps when asked for the next */
  poses(frame: number): Float32Array;
  /** `[x, y, z, force]` one after another */
  contacts(frame: number): readonly number[];
  /** a line of text below the picture */
  caption?(frame: number): string;
}

export function recordingSource(recording: Recording): ViewerSource {
  const floats = decodeFloats(recording.poses);
  const stride = 7 * recording.geoms.length;
  let sum = 0;
  const returns = [0, ...recording.rewards.map((r, t) => (sum = recording.episodes.includes(t) ? r : sum + r))];
  return {
    title: `${recording.env}, seed ${recording.seed}`,
    geoms: recording.geoms,
    meshes: recording.meshes.map(({ vertices, faces }) => ({ vertices: decodeFloats(vertices), faces })),
    dt: recording.dt,
    frames: recording.frames,
    poses: (frame) => floats.subarray(frame * stride, (frame + 1) * stride),
    contacts: (frame) => recording.contacts[frame] ?? [],
    caption: (frame) => `return ${(returns[frame] ?? 0).toFixed(1)}`,
  };
}
