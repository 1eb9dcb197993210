/**
 * A picture of a simulation without a display or a GPU. Each shape is met exactly, pixel by pixel within the part of the
 * picture it can touch; meshes and height fields are drawn triangle by triangle. One sun, a light at the camera, no shadows. Nothing is
 * allocated in a frame.
 */
import { ConfigError, ShapeError } from '@gimbal/tensor-core';
import { geomTypes } from '../mujoco/model-info.ts';
import { addSphere, clampBounds, type PixelBounds } from './bounds.ts';
import { type Camera, emptyFrame, placeCamera } from './camera.ts';
import { type Canvas, type GeomPoses, light, type ShapeInfo } from './canvas.ts';
import { drawMesh } from './mesh.ts';
import { drawPlane, drawSky } from './plane.ts';
import { boxRay, capsuleRay, cylinderRay, ellipsoidRay, hit, sphereRay } from './shapes.ts';

type Ray = ReturnType<typeof sphereRay>;

interface Shape {
  geom: number;
  type: (typeof geomTypes)[number];
  ray: Ray | undefined;
  /** points whose spheres of `pad` enclose the shape, in its frame */
  corners: readonly (readonly [number, number, number])[];
  pad: number;
}

/** Draws pictures of one model on the CPU, all of one size. */
export class Rasterizer {
  /** pixels, 1 to 4096 */
  readonly width: number;
  /** pixels, 1 to 4096 */
  readonly height: number;
  readonly #info: ShapeInfo;
  readonly #shapes: readonly Shape[];
  readonly #planes: readonly number[];
  readonly #canvas: Canvas;
  readonly #bounds: PixelBounds = { x0: 0, x1: 0, y0: 0, y1: 0 };
  readonly #corner: [number, number, number] = [0, 0, 0];

  /** @throws ConfigError for a size that is no whole number from 1 to 4096 */
  constructor(info: ShapeInfo, width: number, height: number) {
    for (const [name, n] of Object.entries({ width, height })) {
      if (Number.isSafeInteger(n) && n >= 1 && n <= 4096) continue;
      throw new ConfigError({ where: 'render', what: `bad ${name}`, got: n, wanted: 'a whole number from 1 to 4096' });
    }
    this.width = width;
    this.height = height;
    this.#info = info;
    const visible = [...info.geomType.keys()].filter((g) => {
      return (info.geomGroup[g] as number) < 3 && (info.geomRgba[4 * g + 3] as number) > 0.05;
    });
    const typeOf = (g: number): string => geomTypes[info.geomType[g] as number] as string;
    this.#planes = visible.filter((g) => typeOf(g) === 'plane');
    this.#shapes = visible.filter((g) => typeOf(g) !== 'plane').map((g) => shapeOf(info, g));
    const depth = new Float32Array(width * height);
    this.#canvas = { width, height, rgb: new Uint8Array(), depth, camera: emptyFrame() };
  }

  /**
   * Draws one frame.
   * @param out `[height * width * 3]`; default: a new array
   * @throws ShapeError for an `out` of another size
   */
  render(poses: GeomPoses, camera: Camera, out: Uint8Array = new Uint8Array(this.width * this.height * 3)): Uint8Array {
    const wanted = this.width * this.height * 3;
    if (out.length !== wanted) {
      throw new ShapeError({ where: 'render', what: 'out does not fit the picture', got: out.length, wanted });
    }
    const canvas = this.#canvas;
    canvas.rgb = out;
    canvas.depth.fill(Number.POSITIVE_INFINITY);
    placeCamera(camera, canvas.camera);
    drawSky(canvas);
    for (const g of this.#planes) drawPlane(canvas, poses, g, this.#info);
    for (const shape of this.#shapes) this.#draw(shape, poses);
    return out;
  }

  #draw(shape: Shape, poses: GeomPoses): void {
    const { width, height, camera } = this.#canvas;
    const bounds = this.#bounds;
    bounds.x0 = width;
    bounds.x1 = 0;
    bounds.y0 = height;
    bounds.y1 = 0;
    const { geomXpos: pos, geomXmat: mat } = poses;
    const [p, m] = [3 * shape.geom, 9 * shape.geom];
    let seen = false;
    for (const [x, y, z] of shape.corners) {
      for (let i = 0; i < 3; i++) {
        const row = m + 3 * i;
        this.#corner[i] =
          (pos[p + i] as number) +
          (mat[row] as number) * x +
          (mat[row + 1] as number) * y +
          (mat[row + 2] as number) * z;
      }
      if (addSphere(bounds, camera, width, height, this.#corner, shape.pad)) seen = true;
    }
    if (!seen || !clampBounds(bounds, width, height)) return;
    if (shape.ray === undefined) drawMesh(this.#canvas, poses, shape.geom, this.#info);
    else this.#cast(shape.ray, shape.geom, poses);
  }

  /** Casts a ray through each pixel of the bounds; rays are linear in the pixel, so they are stepped. */
  #cast(ray: Ray, geom: number, { geomXpos: pos, geomXmat: mat }: GeomPoses): void {
    const { width, height, rgb, depth, camera } = this.#canvas;
    const { x0, x1, y0, y1 } = this.#bounds;
    const { position: eye, forward: f, right: r, up: u, slope } = camera;
    const m = 9 * geom;
    const [m0, m1, m2] = [mat[m] as number, mat[m + 1] as number, mat[m + 2] as number];
    const [m3, m4, m5] = [mat[m + 3] as number, mat[m + 4] as number, mat[m + 5] as number];
    const [m6, m7, m8] = [mat[m + 6] as number, mat[m + 7] as number, mat[m + 8] as number];
    const ex = (eye[0] as number) - (pos[3 * geom] as number);
    const ey = (eye[1] as number) - (pos[3 * geom + 1] as number);
    const ez = (eye[2] as number) - (pos[3 * geom + 2] as number);
    const [ox, oy, oz] = [m0 * ex + m3 * ey + m6 * ez, m1 * ex + m4 * ey + m7 * ez, m2 * ex + m5 * ey + m8 * ez];
    const scale = (2 * slope) / height;
    const [fx, fy, fz] = [f[0] as number, f[1] as number, f[2] as number];
    const [rx, ry, rz] = [(r[0] as number) * scale, (r[1] as number) * scale, (r[2] as number) * scale];
    const [ux, uy, uz] = [(u[0] as number) * scale, (u[1] as number) * scale, (u[2] as number) * scale];
    // steps of the local direction for one pixel to the right
    const [sx, sy, sz] = [m0 * rx + m3 * ry + m6 * rz, m1 * rx + m4 * ry + m7 * rz, m2 * rx + m5 * ry + m8 * rz];
    const lx = m0 * light.x + m3 * light.y + m6 * light.z;
    const ly = m1 * light.x + m4 * light.y + m7 * light.z;
    const lz = m2 * light.x + m5 * light.y + m8 * light.z;
    const { geomRgba } = this.#info;
    const red = 255 * (geomRgba[4 * geom] as number);
    const green = 255 * (geomRgba[4 * geom + 1] as number);
    const blue = 255 * (geomRgba[4 * geom + 2] as number);
    for (let y = y0; y < y1; y++) {
      const v = height / 2 - y - 0.5;
      const h = x0 + 0.5 - width / 2;
      const [wx, wy, wz] = [fx + h * rx + v * ux, fy + h * ry + v * uy, fz + h * rz + v * uz];
      let dx = m0 * wx + m3 * wy + m6 * wz;
      let dy = m1 * wx + m4 * wy + m7 * wz;
      let dz = m2 * wx + m5 * wy + m8 * wz;
      let at = y * width + x0;
      for (let x = x0; x < x1; x++, at++, dx += sx, dy += sy, dz += sz) {
        const t = ray(ox, oy, oz, dx, dy, dz);
        if (t >= (depth[at] as number)) continue;
        depth[at] = t;
        const { x: nx, y: ny, z: nz } = hit;
        const length = Math.sqrt(nx * nx + ny * ny + nz * nz);
        const sun = (nx * lx + ny * ly + nz * lz) / length;
        const facing = -(nx * dx + ny * dy + nz * dz) / (length * Math.sqrt(dx * dx + dy * dy + dz * dz));
        const shade = light.ambient + (sun > 0 ? light.sun * sun : 0) + (facing > 0 ? light.eye * facing : 0);
        const pixel = 3 * at;
        rgb[pixel] = clampByte(red * shade);
        rgb[pixel + 1] = clampByte(green * shade);
        rgb[pixel + 2] = clampByte(blue * shade);
      }
    }
  }
}

const clampByte = (x: number): number => Math.min(x, 255);

function shapeOf(info: ShapeInfo, geom: number): Shape {
  const type = geomTypes[info.geomType[geom] as number] as Shape['type'];
  const [a, b, c] = [0, 1, 2].map((i) => info.geomSize[3 * geom + i] as number) as [number, number, number];
  const corners = (x: number, y: number, z: number): [number, number, number][] =>
    [-x, x].flatMap((i) => [-y, y].flatMap((j) => [-z, z].map((k): [number, number, number] => [i, j, k])));
  const ends: [number, number, number][] = [
    [0, 0, -b],
    [0, 0, b],
  ];
  switch (type) {
    case 'sphere':
      return { geom, type, ray: sphereRay(a), corners: [[0, 0, 0]], pad: a };
    case 'capsule':
      return { geom, type, ray: capsuleRay(a, b), corners: ends, pad: a };
    case 'cylinder':
      return { geom, type, ray: cylinderRay(a, b), corners: ends, pad: a };
    case 'ellipsoid':
      return { geom, type, ray: ellipsoidRay(a, b, c), corners: [[0, 0, 0]], pad: Math.max(a, b, c) };
    case 'box':
      return { geom, type, ray: boxRay(a, b, c), corners: corners(a, b, c), pad: 0 };
    default:
      return {
        geom,
        type,
        ray: undefined,
        corners: [[0, 0, 0]],
        pad: farthest(info.meshes[info.geomData[geom] as number]),
      };
  }
}

/** Of a mesh's vertices from its origin. */
function farthest(mesh: ShapeInfo['meshes'][number] | undefined): number {
  let most = 0;
  const { vertices = [] } = mesh ?? {};
  for (let v = 0; v < vertices.length; v += 3) {
    const [x, y, z] = [vertices[v] as number, vertices[v + 1] as number, vertices[v + 2] as number];
    most = Math.max(most, Math.hypot(x, y, z));
  }
  return most;
}
