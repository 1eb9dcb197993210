/** A user's triangle mesh, flat-shaded, triangle by triangle, with its texture where it has one. */

import { type Canvas, type GeomPoses, light, type ShapeInfo } from './canvas.ts';

const near = 0.01;
/** corners of one triangle: picture x, picture y, 1 / depth */
const screen = new Float64Array(9);
const world = new Float64Array(9);

export function drawMesh(
  canvas: Canvas,
  { geomXpos: pos, geomXmat: mat }: GeomPoses,
  geom: number,
  info: ShapeInfo,
): void {
  const mesh = info.meshes[info.geomData[geom] as number];
  if (mesh === undefined) return;
  const { vertices, faces } = mesh;
  const { width, height, camera } = canvas;
  const { position: eye, forward: f, right: r, up: u, slope } = camera;
  const scale = height / 2 / slope;
  const [p, m] = [3 * geom, 9 * geom];
  for (let face = 0; face < faces.length; face += 3) {
    let visible = true;
    for (let corner = 0; corner < 3 && visible; corner++) {
      const from = 3 * (faces[face + corner] as number);
      let [depth, across, above] = [0, 0, 0];
      for (let i = 0; i < 3; i++) {
        const row = m + 3 * i;
        const x =
          (pos[p + i] as number) +
          (mat[row] as number) * (vertices[from] as number) +
          (mat[row + 1] as number) * (vertices[from + 1] as number) +
          (mat[row + 2] as number) * (vertices[from + 2] as number);
        world[3 * corner + i] = x;
        const d = x - (eye[i] as number);
        depth += d * (f[i] as number);
        across += d * (r[i] as number);
        above += d * (u[i] as number);
      }
      visible = depth > near; // a triangle that reaches behind the camera is left out
      screen[3 * corner] = width / 2 + (scale * across) / depth;
      screen[3 * corner + 1] = height / 2 - (scale * above) / depth;
      screen[3 * corner + 2] = 1 / depth;
    }
    if (visible) fillTriangle(canvas, geom, info, mesh.texcoords, 2 * face);
  }
}

/** wraps to 0 … 1, as textures repeat */
const fraction = (x: number): number => x - Math.floor(x);

function fillTriangle(
  { width, height, rgb, depth, camera }: Canvas,
  geom: number,
  info: ShapeInfo,
  uv: Float32Array | undefined,
  corner: number,
): void {
  const s = screen as unknown as [number, number, number, number, number, number, number, number, number];
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = s;
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  if (area === 0) return;
  const [x0, x1] = [Math.max(0, Math.floor(Math.min(ax, bx, cx))), Math.min(width, Math.ceil(Math.max(ax, bx, cx)))];
  const [y0, y1] = [Math.max(0, Math.floor(Math.min(ay, by, cy))), Math.min(height, Math.ceil(Math.max(ay, by, cy)))];
  if (x0 >= x1 || y0 >= y1) return;
  const shade = flatShade(camera.position);
  const colour = [0, 1, 2].map((c) => Math.min(255, 255 * (info.geomRgba[4 * geom + c] as number) * shade)) as [
    number,
    number,
    number,
  ];
  const texture = info.textures[info.geomTexture[geom] as number];
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const [px, py] = [x + 0.5, y + 0.5];
      const wb = ((px - ax) * (cy - ay) - (cx - ax) * (py - ay)) / area;
      const wc = ((bx - ax) * (py - ay) - (px - ax) * (by - ay)) / area;
      if (wb < 0 || wc < 0 || wb + wc > 1) continue;
      const t = 1 / (az + wb * (bz - az) + wc * (cz - az));
      const at = y * width + x;
      if (t >= (depth[at] as number)) continue;
      depth[at] = t;
      if (texture === undefined || uv === undefined) {
        rgb.set(colour, 3 * at);
        continue;
      }
      // perspective: coordinates are linear in the picture only after division by depth
      const [a, b, c] = [(1 - wb - wc) * az * t, wb * bz * t, wc * cz * t];
      const along = (k: number): number =>
        fraction(
          a * (uv[corner + k] as number) + b * (uv[corner + 2 + k] as number) + c * (uv[corner + 4 + k] as number),
        );
      const [column, row] = [Math.floor(along(0) * texture.width), Math.floor(along(1) * texture.height)];
      const texel = 3 * (row * texture.width + column);
      for (let i = 0; i < 3; i++) rgb[3 * at + i] = ((texture.rgb[texel + i] as number) * colour[i as 0 | 1 | 2]) / 255;
    }
  }
}

/** Light on the triangle in `world`, whichever side faces the eye. */
function flatShade(eye: Float64Array): number {
  const w = (i: number): number => world[i] as number;
  const [ux, uy, uz] = [w(3) - w(0), w(4) - w(1), w(5) - w(2)];
  const [vx, vy, vz] = [w(6) - w(0), w(7) - w(1), w(8) - w(2)];
  let [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(nx, ny, nz) || 1;
  const [ex, ey, ez] = [(eye[0] as number) - w(0), (eye[1] as number) - w(1), (eye[2] as number) - w(2)];
  let facing = (nx * ex + ny * ey + nz * ez) / (length * (Math.hypot(ex, ey, ez) || 1));
  if (facing < 0) [nx, ny, nz, facing] = [-nx, -ny, -nz, -facing];
  const sun = (nx * light.x + ny * light.y + nz * light.z) / length;
  return light.ambient + Math.max(0, sun) * light.sun + facing * light.eye;
}
