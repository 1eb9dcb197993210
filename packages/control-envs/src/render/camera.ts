/** A camera that looks at a point: MuJoCo's free camera, in radians. */

/** Where a camera stands and looks; angles are radians. */
export interface Camera {
  /** about the vertical; 0 looks along +x, π/2 along +y */
  azimuth: number;
  /** negative looks down */
  elevation: number;
  /** metres to the point it looks at */
  distance: number;
  /** the point it looks at: x, y, z in metres */
  lookat: readonly [number, number, number];
  /** vertical field of view, radians */
  fovy: number;
}

/** Looks along +y, 20° to its left and 20° down, at a point 0.5 m above the origin from 4 m; 45° of view. */
export const defaultCamera: Camera = {
  azimuth: Math.PI / 2 + 0.35,
  elevation: -0.35,
  distance: 4,
  lookat: [0, 0, 0.5],
  fovy: Math.PI / 4,
};

/** Position and axes: `forward`, `right`, `up` are unit vectors. */
export interface CameraFrame {
  position: Float64Array;
  forward: Float64Array;
  right: Float64Array;
  up: Float64Array;
  /** half height of the picture at distance 1 */
  slope: number;
}

export const emptyFrame = (): CameraFrame => ({
  position: new Float64Array(3),
  forward: new Float64Array(3),
  right: new Float64Array(3),
  up: new Float64Array(3),
  slope: 1,
});

/** Fills a frame from a camera. */
export function placeCamera(camera: Camera, frame: CameraFrame): void {
  const [ca, sa] = [Math.cos(camera.azimuth), Math.sin(camera.azimuth)];
  const [ce, se] = [Math.cos(camera.elevation), Math.sin(camera.elevation)];
  frame.forward.set([ce * ca, ce * sa, se]);
  frame.right.set([sa, -ca, 0]);
  frame.up.set([-se * ca, -se * sa, ce]);
  for (let i = 0; i < 3; i++) {
    frame.position[i] = (camera.lookat[i] as number) - camera.distance * (frame.forward[i] as number);
  }
  frame.slope = Math.tan(camera.fovy / 2);
}
