/** A view of a whole model that follows its first body. */

import { geomTypes } from '../mujoco/model-info.ts';
import { type Camera, defaultCamera } from './camera.ts';
import type { GeomPoses, ShapeInfo } from './canvas.ts';

/** Fills the picture with the shapes where they are; planes do not count. */
export function frameModel(info: ShapeInfo, { geomXpos: pos }: GeomPoses): Camera {
  const solid = [...info.geomType.keys()].filter(
    (g) => geomTypes[info.geomType[g] as number] !== 'plane' && (info.geomGroup[g] as number) < 3,
  );
  if (solid.length === 0) return defaultCamera;
  const bounds = [0, 1, 2].map((i) => {
    const xs = solid.map((g) => pos[3 * g + i] as number);
    return [Math.min(...xs), Math.max(...xs)] as const;
  });
  const lookat = bounds.map(([low, high]) => (low + high) / 2) as [number, number, number];
  const reach = solid.map((g) => {
    const size = Math.max(...info.geomSize.subarray(3 * g, 3 * g + 3));
    return Math.hypot(...[0, 1, 2].map((i) => (pos[3 * g + i] as number) - (lookat[i] as number))) + size;
  });
  const distance = (1.15 * Math.max(...reach)) / Math.tan(defaultCamera.fovy / 2);
  return { ...defaultCamera, lookat, distance };
}
