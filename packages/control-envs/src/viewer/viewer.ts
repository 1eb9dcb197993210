/** Plays a recording, or watches a simulation step, in the page: orbit with the mouse, pause, slow down, see contacts. */
import {
  AmbientLight,
  Box3,
  Color,
  DirectionalLight,
  Fog,
  InstancedMesh,
  type Mesh,
  MeshBasicMaterial,
  Object3D,
  PerspectiveCamera,
  Scene,
  SphereGeometry,
  Vector3,
  WebGLRenderer,
} from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import { makeBodies } from './bodies.ts';
import { makeControls } from './controls.ts';
import type { ViewerSource } from './source.ts';

/** How a viewer begins. */
export interface ViewerOptions {
  /** default true */
  playing?: boolean;
  /** 1 is real time; default 1 */
  speed?: number;
  /** default false */
  showContacts?: boolean;
  /** whether the camera moves along with the first body; default true */
  follow?: boolean;
}

/** A viewer in the page. */
export interface Viewer {
  /** Goes on. */
  play(): void;
  /** Stands still; the mouse still turns the picture. */
  pause(): void;
  /** Shows one frame of a recording. */
  seek(frame: number): void;
  /** the frame that is shown, from 0 */
  readonly frame: number;
  dispose(): void;
}

const mostContacts = 100;

/**
 * Shows a recording or a live environment, with controls below it, until it is disposed.
 *
 * @param container an element with a size; the viewer fills it
 */
export function createViewer(container: HTMLElement, source: ViewerSource, options: ViewerOptions = {}): Viewer {
  const state = { playing: true, speed: 1, showContacts: false, follow: true, ...options };
  const renderer = new WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
  renderer.shadowMap.enabled = true;
  container.append(renderer.domElement);
  const scene = new Scene();
  scene.background = new Color('#cdd9e4');
  scene.fog = new Fog('#cdd9e4', 15, 45);
  const camera = new PerspectiveCamera(40, 1, 0.05, 200);
  camera.up.set(0, 0, 1);
  const orbit = new OrbitControls(camera, renderer.domElement);
  const sun = addLights(scene);
  const bodies = makeBodies(source.geoms, source.meshes, source.textures);
  for (const body of bodies) if (body !== undefined) scene.add(body);
  // on top of all: a contact lies between the shapes that touch
  const red = new MeshBasicMaterial({ color: '#d33', depthTest: false, transparent: true });
  const dots = new InstancedMesh(new SphereGeometry(0.03), red, mostContacts);
  dots.renderOrder = 1;
  dots.frustumCulled = false;
  scene.add(dots);

  let [frame, clock, last, shown] = [0, 0, performance.now(), -1];
  let withContacts = state.showContacts;
  const anchor = new Vector3();
  const controls = makeControls(container, source, state, (wanted) => {
    frame = wanted;
    clock = wanted * source.dt;
  });

  const show = (wanted: number): void => {
    if (wanted === shown && withContacts === state.showContacts) return;
    shown = wanted;
    withContacts = state.showContacts;
    placeBodies(bodies, source.poses(wanted));
    placeContacts(dots, state.showContacts ? source.contacts(wanted) : []);
    controls.update(wanted);
    if (state.follow) follow(bodies, anchor, camera, orbit, sun);
  };
  placeBodies(bodies, source.poses(0));
  lookAtAll(bodies, camera, orbit, anchor);
  show(0);

  const resize = (): void => {
    const { clientWidth: width, clientHeight: height } = container;
    renderer.setPixelRatio(globalThis.devicePixelRatio ?? 1);
    renderer.setSize(width, height);
    camera.aspect = width / Math.max(1, height);
    camera.updateProjectionMatrix();
  };
  const watcher = new ResizeObserver(resize);
  watcher.observe(container);
  resize();

  renderer.setAnimationLoop((now) => {
    // a frame's time stands still while a page is made: on a busy machine the first one lies before `last`
    const seconds = Math.max(0, Math.min(0.1, (now - last) / 1000));
    last = now;
    if (state.playing) {
      clock += seconds * state.speed;
      frame = Math.floor(clock / source.dt);
      if (frame >= source.frames) [frame, clock] = [0, 0];
    }
    show(frame);
    orbit.update();
    renderer.render(scene, camera);
  });

  return {
    play: () => {
      state.playing = true;
      controls.update(frame);
    },
    pause: () => {
      state.playing = false;
      controls.update(frame);
    },
    seek: (wanted) => {
      frame = Math.max(0, Math.min(source.frames - 1, Math.floor(wanted)));
      clock = frame * source.dt;
      show(frame);
    },
    get frame() {
      return frame;
    },
    dispose: () => {
      renderer.setAnimationLoop(null);
      watcher.disconnect();
      orbit.dispose();
      controls.remove();
      for (const body of bodies) body?.geometry.dispose();
      renderer.dispose();
      renderer.domElement.remove();
    },
  };
}

function addLights(scene: Scene): DirectionalLight {
  scene.add(new AmbientLight('#ffffff', 1.1));
  const sun = new DirectionalLight('#ffffff', 2.2);
  sun.castShadow = true;
  sun.shadow.mapSize.set(2048, 2048);
  Object.assign(sun.shadow.camera, { left: -6, right: 6, top: 6, bottom: -6, near: 0.1, far: 30 });
  scene.add(sun, sun.target);
  return sun;
}

function placeBodies(bodies: readonly (Mesh | undefined)[], poses: Float32Array): void {
  for (const [g, body] of bodies.entries()) {
    if (body === undefined) continue;
    const [x = 0, y = 0, z = 0, w = 1, i = 0, j = 0, k = 0] = poses.subarray(7 * g, 7 * g + 7);
    body.position.set(x, y, z);
    body.quaternion.set(i, j, k, w);
  }
}

const marker = new Object3D();

function placeContacts(dots: InstancedMesh, points: readonly number[]): void {
  dots.count = Math.min(mostContacts, points.length / 4);
  for (let n = 0; n < dots.count; n++) {
    const [x = 0, y = 0, z = 0, force = 0] = points.slice(4 * n, 4 * n + 4);
    marker.position.set(x, y, z);
    marker.scale.setScalar(0.6 + Math.min(3, Math.log10(1 + force)));
    marker.updateMatrix();
    dots.setMatrixAt(n, marker.matrix);
  }
  dots.instanceMatrix.needsUpdate = true;
}

/** Solid bodies: not the ground. */
const solids = (bodies: readonly (Mesh | undefined)[]): Mesh[] =>
  bodies.filter((body): body is Mesh => body?.castShadow === true);

function lookAtAll(
  bodies: readonly (Mesh | undefined)[],
  camera: PerspectiveCamera,
  orbit: OrbitControls,
  anchor: Vector3,
): void {
  const bounds = new Box3();
  for (const body of solids(bodies)) {
    body.updateMatrixWorld();
    bounds.expandByObject(body);
  }
  const [centre, size] = [bounds.getCenter(new Vector3()), bounds.getSize(new Vector3()).length()];
  orbit.target.copy(centre);
  camera.position.copy(centre).add(new Vector3(0.5, -1.3, 0.6).normalize().multiplyScalar(1.4 * Math.max(size, 0.3)));
  const [first] = solids(bodies);
  if (first !== undefined) anchor.copy(first.position);
}

/** Moves camera, target and sun along with the first solid body, on the ground's plane. */
function follow(
  bodies: readonly (Mesh | undefined)[],
  anchor: Vector3,
  camera: PerspectiveCamera,
  orbit: OrbitControls,
  sun: DirectionalLight,
): void {
  const [first] = solids(bodies);
  if (first === undefined) return;
  const moved = first.position.clone().sub(anchor).setZ(0);
  camera.position.add(moved);
  orbit.target.add(moved);
  anchor.copy(first.position);
  sun.target.position.copy(orbit.target);
  sun.position.copy(orbit.target).add(new Vector3(3, -4, 8));
}
