/** What drawing functions share. */
import type { ModelInfo } from '../mujoco/model-info.ts';
import type { CameraFrame } from './camera.ts';

/** What is constant about the shapes of a model. */
export type ShapeInfo = Pick<
  ModelInfo,
  | 'geomType'
  | 'geomSize'
  | 'geomRgba'
  | 'geomGroup'
  | 'geomData'
  | 'geomTexture'
  | 'geomTextureRepeat'
  | 'geomTextureUniform'
  | 'meshes'
  | 'textures'
>;

/** Where the shapes are. */
export interface GeomPoses {
  /** `[ngeom * 3]` */
  readonly geomXpos: Float64Array;
  /** `[ngeom * 9]`, row-major */
  readonly geomXmat: Float64Array;
}

/** What drawing functions share. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** `[height * width * 3]` */
  rgb: Uint8Array;
  /** depth along the camera's axis */
  readonly depth: Float32Array;
  readonly camera: CameraFrame;
}

/** towards the sun, and how bright the parts of the light are */
export const light = { x: 0.37, y: -0.46, z: 0.81, ambient: 0.35, sun: 0.5, eye: 0.25 };
