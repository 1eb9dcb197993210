/** What a viewer shows: a recording, or a simulation that steps while it is watched. */
import { decodeBytes, decodeFloats } from '../recording/base64.ts';
import type { Recording } from '../recording/recording.ts';
import type { RecordedGeom } from '../recording/shapes.ts';

/** The triangles of one shape. */
export interface ViewerMesh {
  /** x, y, z of each corner, metres */
  vertices: Float32Array;
  /** three corners a triangle, as indices of `vertices` */
  faces: readonly number[];
  /** u, v of each corner of each triangle; undefined without a picture */
  texcoords?: Float32Array;
}

/** A picture on shapes: rgb `[height * width * 3]`, the first row where v is 0. */
export interface ViewerTexture {
  /** pixels */
  width: number;
  /** pixels */
  height: number;
  /** 0 to 255 */
  rgb: Uint8Array;
}

/** What a viewer shows: shapes, and where they are in each frame. */
export interface ViewerSource {
  /** what is shown, beside the controls */
  readonly title: string;
  /** the shapes, in the order of `poses` */
  readonly geoms: readonly RecordedGeom[];
  /** what `geoms` name by index: of meshes and height fields */
  readonly meshes: readonly ViewerMesh[];
  /** what `geoms` names by index; default none */
  readonly textures?: readonly ViewerTexture[];
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

/**
 * A recording as what a viewer shows.
 *
 * @param recording what `recordEpisode` gave, or `parseRecording` read
 */
export function recordingSource(recording: Recording): ViewerSource {
  const floats = decodeFloats(recording.poses);
  const stride = 7 * recording.geoms.length;
  let sum = 0;
  const returns = [0, ...recording.rewards.map((r, t) => (sum = recording.episodes.includes(t) ? r : sum + r))];
  return {
    title: `${recording.env}, seed ${recording.seed}`,
    geoms: recording.geoms,
    meshes: recording.meshes.map(({ vertices, faces, texcoords }) => ({
      vertices: decodeFloats(vertices),
      faces,
      ...(texcoords !== undefined && { texcoords: decodeFloats(texcoords) }),
    })),
    textures: (recording.textures ?? []).map(({ rgb, ...size }) => ({ ...size, rgb: decodeBytes(rgb) })),
    dt: recording.dt,
    frames: recording.frames,
    poses: (frame) => floats.subarray(frame * stride, (frame + 1) * stride),
    contacts: (frame) => recording.contacts[frame] ?? [],
    caption: (frame) => `return ${(returns[frame] ?? 0).toFixed(1)}`,
  };
}
