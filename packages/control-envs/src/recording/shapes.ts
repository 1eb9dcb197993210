/** The shapes of a model and where they are, as recordings and the viewer have them. */

import type { PhysicsSimulation } from '../physics/contract.ts';
import type { GeomPoses, ShapeInfo } from '../render/canvas.ts';
import { quatOfMatrix } from './quat.ts';

/** A shape of a model. */
export interface RecordedGeom {
  /** the engine's kind of shape: 0 plane, 1 height field, 2 sphere, 3 capsule, 4 ellipsoid, 5 cylinder, 6 box, 7 mesh */
  type: number;
  /** the engine's three sizes, by type, metres */
  size: readonly [number, number, number];
  /** 0 to 1 */
  rgba: readonly [number, number, number, number];
  /** index into `meshes`, of a mesh or a height field */
  mesh?: number;
  /** index into `textures`, for a mesh with texture coordinates or a plane */
  texture?: number;
  /** of the texture along the two axes of a plane, in metres or, where `uniform` is false, in half sizes */
  repeat?: readonly [number, number];
  /** see `repeat` */
  uniform?: boolean;
}

export function recordedGeoms(info: ShapeInfo): RecordedGeom[] {
  return [...info.geomType.keys()].map((g) => {
    const [mesh, texture] = [info.geomData[g] as number, info.geomTexture[g] as number];
    const hidden = (info.geomGroup[g] as number) >= 3;
    const [red, green, blue, alpha] = [...info.geomRgba.subarray(4 * g, 4 * g + 4)].map(short);
    return {
      type: info.geomType[g] as number,
      size: [...info.geomSize.subarray(3 * g, 3 * g + 3)] as [number, number, number],
      rgba: [red as number, green as number, blue as number, hidden ? 0 : (alpha as number)] as const,
      ...(mesh >= 0 && { mesh }),
      ...(texture >= 0 && {
        texture,
        repeat: [...info.geomTextureRepeat.subarray(2 * g, 2 * g + 2)] as [number, number],
        uniform: info.geomTextureUniform[g] === 1,
      }),
    };
  });
}

/** Writes `[ngeom, 7]` from `at` on: position, quaternion w x y z. */
export function writePoses({ geomXpos, geomXmat }: GeomPoses, poses: Float32Array, at: number): void {
  const count = geomXpos.length / 3;
  for (let g = 0; g < count; g++) {
    const from = at + 7 * g;
    poses.set(geomXpos.subarray(3 * g, 3 * g + 3), from);
    quatOfMatrix(geomXmat, 9 * g, poses, from + 3);
  }
}

/** `[x, y, z, force]` of each contact that presses, one after another: within a margin, it may before shapes touch. */
export const contactPoints = (sim: PhysicsSimulation): number[] =>
  sim.contacts().flatMap(({ position, force }) => {
    const newtons = Math.hypot(...force);
    return newtons > 0 ? [...position, newtons].map(short) : [];
  });

/** Four digits, and no −0, which JSON does not keep. */
export const short = (x: number): number => Math.round(x * 1e4) / 1e4 + 0;
