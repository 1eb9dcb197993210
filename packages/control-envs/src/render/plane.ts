/** The ground, chequered in metres or with a user's texture, and the sky behind it. */

import type { Texture } from '../mujoco/surfaces.ts';
import type { Canvas, GeomPoses, ShapeInfo } from './canvas.ts';

/** colours at the top and at the horizon */
const [top, horizon] = [
  [110, 150, 190],
  [205, 220, 232],
] as const;

export function drawSky({ width, height, rgb }: Canvas): void {
  for (let y = 0; y < height; y++) {
    const mix = y / height;
    const r = (top[0] + (horizon[0] - top[0]) * mix) | 0;
    const g = (top[1] + (horizon[1] - top[1]) * mix) | 0;
    const b = (top[2] + (horizon[2] - top[2]) * mix) | 0;
    const end = 3 * (y + 1) * width;
    for (let i = 3 * y * width; i < end; i += 3) {
      rgb[i] = r;
      rgb[i + 1] = g;
      rgb[i + 2] = b;
    }
  }
}

/** Squares of one metre in two shades; they fade into the horizon, where they would flicker. */
export function drawPlane(
  canvas: Canvas,
  { geomXpos: pos, geomXmat: mat }: GeomPoses,
  geom: number,
  info: ShapeInfo,
): void {
  const { width, height, rgb, depth, camera } = canvas;
  const { position: eye, forward: f, right: r, up: u, slope } = camera;
  const m = 9 * geom;
  const local = (x: number, y: number, z: number, column: number): number =>
    (mat[m + column] as number) * x + (mat[m + 3 + column] as number) * y + (mat[m + 6 + column] as number) * z;
  const [ex, ey, ez] = [0, 1, 2].map((i) => (eye[i] as number) - (pos[3 * geom + i] as number)) as [
    number,
    number,
    number,
  ];
  const [ox, oy, oz] = [local(ex, ey, ez, 0), local(ex, ey, ez, 1), local(ex, ey, ez, 2)];
  if (oz <= 0) return; // seen from below, a plane is not there
  const scale = (2 * slope) / height;
  const axis = (a: Float64Array, column: number): number =>
    local(a[0] as number, a[1] as number, a[2] as number, column);
  const [fx, fy, fz] = [axis(f, 0), axis(f, 1), axis(f, 2)];
  const [rx, ry, rz] = [axis(r, 0) * scale, axis(r, 1) * scale, axis(r, 2) * scale];
  const [ux, uy, uz] = [axis(u, 0) * scale, axis(u, 1) * scale, axis(u, 2) * scale];
  const sizeX = (info.geomSize[3 * geom] as number) || Number.POSITIVE_INFINITY;
  const sizeY = (info.geomSize[3 * geom + 1] as number) || Number.POSITIVE_INFINITY;
  const colour = [0, 1, 2].map((c) => 255 * (info.geomRgba[4 * geom + c] as number)) as [number, number, number];
  const texture = info.textures[info.geomTexture[geom] as number];
  const uniform = info.geomTextureUniform[geom] === 1;
  // repeats for each metre
  const [perX, perY] = [sizeX, sizeY].map((size, i) => {
    const repeat = info.geomTextureRepeat[2 * geom + i] as number;
    return uniform || size === Number.POSITIVE_INFINITY ? repeat : repeat / (2 * size);
  }) as [number, number];
  for (let y = 0; y < height; y++) {
    const v = height / 2 - y - 0.5;
    const h = 0.5 - width / 2;
    let dx = fx + h * rx + v * ux;
    let dy = fy + h * ry + v * uy;
    let dz = fz + h * rz + v * uz;
    let at = y * width;
    for (let x = 0; x < width; x++, at++, dx += rx, dy += ry, dz += rz) {
      if (dz >= -1e-9) continue;
      const t = -oz / dz;
      if (t >= (depth[at] as number)) continue;
      const [px, py] = [ox + t * dx, oy + t * dy];
      if (px > sizeX || px < -sizeX || py > sizeY || py < -sizeY) continue;
      depth[at] = t;
      const pixel = 3 * at;
      if (texture !== undefined) {
        const texel = texelOf(texture, 0.5 + px * perX, 0.5 + py * perY);
        for (let c = 0; c < 3; c++) {
          rgb[pixel + c] = ((texture.rgb[texel + c] as number) * colour[c as 0 | 1 | 2] * 0.9) / 255;
        }
        continue;
      }
      const odd = (Math.floor(px) + Math.floor(py)) & 1;
      const fade = Math.min(1, t / 40);
      const shade = (odd === 0 ? 0.78 : 0.62) * (1 - fade) + 0.7 * fade;
      rgb[pixel] = colour[0] * shade * (1 - fade) + horizon[0] * fade;
      rgb[pixel + 1] = colour[1] * shade * (1 - fade) + horizon[1] * fade;
      rgb[pixel + 2] = colour[2] * shade * (1 - fade) + horizon[2] * fade;
    }
  }
}

/** Where a repeating texture has the colour of coordinates u, v. */
function texelOf({ width, height }: Texture, u: number, v: number): number {
  const column = Math.floor((u - Math.floor(u)) * width);
  const row = Math.floor((v - Math.floor(v)) * height);
  return 3 * (row * width + column);
}
