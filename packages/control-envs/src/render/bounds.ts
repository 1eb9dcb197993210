/** Which pixels a shape can touch: the projections of spheres around its corners or ends. */
import type { CameraFrame } from './camera.ts';

/** Half-open pixel ranges, widened in place. */
export interface PixelBounds {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

const near = 0.01;

/**
 * Widens bounds by the exact projection of a sphere.
 * @returns false if the sphere is behind the camera
 */
export function addSphere(
  bounds: PixelBounds,
  frame: CameraFrame,
  width: number,
  height: number,
  [x, y, z]: readonly [number, number, number],
  radius: number,
): boolean {
  const { position: p, forward: f, right: r, up: u, slope } = frame;
  const [dx, dy, dz] = [x - (p[0] as number), y - (p[1] as number), z - (p[2] as number)];
  const depth = dx * (f[0] as number) + dy * (f[1] as number) + dz * (f[2] as number);
  if (depth + radius < near) return false;
  if (depth - radius < near) {
    Object.assign(bounds, { x0: 0, x1: width, y0: 0, y1: height });
    return true;
  }
  const across = dx * (r[0] as number) + dy * (r[1] as number) + dz * (r[2] as number);
  const above = dx * (u[0] as number) + dy * (u[1] as number) + dz * (u[2] as number);
  // tangents from the eye to the sphere: (c d ± R √(c² + d² − R²)) / (d² − R²)
  const denominator = depth * depth - radius * radius;
  const spreadX = radius * Math.sqrt(across * across + denominator);
  const spreadY = radius * Math.sqrt(above * above + denominator);
  const scale = height / 2 / slope;
  const [cx, cy] = [width / 2, height / 2];
  bounds.x0 = Math.min(bounds.x0, Math.floor(cx + (scale * (across * depth - spreadX)) / denominator));
  bounds.x1 = Math.max(bounds.x1, Math.ceil(cx + (scale * (across * depth + spreadX)) / denominator));
  bounds.y0 = Math.min(bounds.y0, Math.floor(cy - (scale * (above * depth + spreadY)) / denominator));
  bounds.y1 = Math.max(bounds.y1, Math.ceil(cy - (scale * (above * depth - spreadY)) / denominator));
  return true;
}

export function clampBounds(b: PixelBounds, width: number, height: number): boolean {
  b.x0 = Math.max(b.x0, 0);
  b.y0 = Math.max(b.y0, 0);
  b.x1 = Math.min(b.x1, width);
  b.y1 = Math.min(b.y1, height);
  return b.x0 < b.x1 && b.y0 < b.y1;
}
