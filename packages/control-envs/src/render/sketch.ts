/**
 * Pictures of environments without a physics engine: a few solid shapes in the x–z plane, placed by the state. They are
 * drawn, recorded and watched as MuJoCo's are.
 */
import { geomTypes } from '../mujoco/model-info.ts';
import { type Camera, defaultCamera } from './camera.ts';
import type { GeomPoses, ShapeInfo } from './canvas.ts';
import { frameModel } from './follow.ts';
import { Rasterizer } from './rasterizer.ts';

/** One shape: its sizes are the rasterizer's, in metres (a box's half sizes; a capsule's radius and half length). */
export interface SketchShape {
  /** which solid */
  readonly kind: 'sphere' | 'capsule' | 'cylinder' | 'box';
  /** by kind */
  readonly size: readonly number[];
  /** red, green, blue, 0 to 1 */
  readonly color: readonly [number, number, number];
  /** where its centre is, x and z; moving shapes are placed by the state */
  readonly at?: readonly [x: number, z: number];
  /** towards the eye, metres; default 0 */
  readonly before?: number;
  /** from the vertical towards +x, radians; default 0 */
  readonly angle?: number;
}

/** Puts shape `i`: its centre, and its turn from the vertical towards +x in radians. */
export type Place = (i: number, x: number, z: number, angle?: number) => void;

/** What an environment looks like. */
export interface Sketch {
  /** the first stands still: the viewer's camera goes with it */
  readonly shapes: readonly SketchShape[];
  /** seconds that a step is shown, where one lasts no time of its own */
  readonly frameSeconds?: number;
  /** Places what moves. */
  place(put: Place, state: Float64Array): void;
}

/** The shapes of one environment and where they are. */
export class Drawing implements GeomPoses {
  readonly shapes: ShapeInfo;
  readonly geomXpos: Float64Array;
  readonly geomXmat: Float64Array;
  readonly frameSeconds: number | undefined;
  readonly #sketch: Sketch;
  #rasterizer: Rasterizer | undefined;
  #camera: Camera | undefined;

  constructor(sketch: Sketch) {
    const { shapes } = sketch;
    const n = shapes.length;
    this.#sketch = sketch;
    this.frameSeconds = sketch.frameSeconds;
    this.geomXpos = new Float64Array(3 * n);
    this.geomXmat = new Float64Array(9 * n);
    this.shapes = {
      geomType: Int32Array.from(shapes, ({ kind }) => geomTypes.indexOf(kind)),
      geomSize: Float64Array.from(shapes.flatMap(({ size: [a = 0, b = 0, c = 0] }) => [a, b, c])),
      geomRgba: Float32Array.from(shapes.flatMap(({ color }) => [...color, 1])),
      geomGroup: new Int32Array(n),
      geomData: new Int32Array(n).fill(-1),
      geomTexture: new Int32Array(n).fill(-1),
      geomTextureRepeat: new Float32Array(2 * n).fill(1),
      geomTextureUniform: new Uint8Array(n),
      meshes: [],
      textures: [],
    };
    for (const [i, { at: [x, z] = [0, 0], angle, before = 0 }] of shapes.entries()) {
      this.geomXpos[3 * i + 1] = -before;
      this.#put(i, x, z, angle);
    }
  }

  /** Places the shapes for a state. */
  place(state: Float64Array): void {
    this.#sketch.place((i, x, z, angle) => this.#put(i, x, z, angle), state);
  }

  /** A picture of the shapes as they are placed, `[height * width * 3]`. */
  render({ width = 256, height = 256, out }: { width?: number; height?: number; out?: Uint8Array } = {}): Uint8Array {
    if (this.#rasterizer?.width !== width || this.#rasterizer.height !== height) {
      this.#rasterizer = new Rasterizer(this.shapes, width, height);
    }
    // from the front, a little from above; it stays where it was for the first picture
    this.#camera ??= {
      ...frameModel(this.shapes, this),
      azimuth: Math.PI / 2,
      elevation: -0.12,
      fovy: defaultCamera.fovy,
    };
    return this.#rasterizer.render(this, this.#camera, out);
  }

  #put(i: number, x: number, z: number, angle = 0): void {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    this.geomXpos[3 * i] = x;
    this.geomXpos[3 * i + 2] = z;
    // about y: the shape's own z goes to (sin, 0, cos)
    this.geomXmat.set([cos, 0, sin, 0, 1, 0, -sin, 0, cos], 9 * i);
  }
}
