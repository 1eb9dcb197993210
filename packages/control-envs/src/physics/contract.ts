/**
 * What the environments ask of a physics library. MuJoCo is the one that comes with the package; another fits in by
 * compiling the same MJCF to a `PhysicsModel` (see `registerEngine`). Arrays are the library's own memory: read them
 * through the fields each time, a library may move them between calls.
 */
import type { ModelInfo } from '../mujoco/model-info.ts';
import type { PhysicsFactors } from './randomize.ts';

/** A physics library. */
export interface PhysicsEngine {
  /** as the option `engine` names it */
  readonly name: string;
  /**
   * Compiles MJCF.
   * @throws DataError that says what is wrong, with file and line
   */
  compile(mjcf: string, options?: CompileOptions): Promise<PhysicsModel>;
}

/** Where the text came from, and the files it names. */
export interface CompileOptions {
  /** for messages: the file the text came from */
  source?: string;
  /** files that the text names, by path relative to it */
  files?: { readonly [path: string]: Uint8Array };
}

/** A compiled model; any number of simulations run on it. */
export interface PhysicsModel {
  /** sizes, names and constants */
  readonly info: ModelInfo;
  /** the text it was compiled from */
  readonly mjcf: string;
  /** A new simulation in its default state. @throws NumericalError if there is no memory for it */
  simulate(): PhysicsSimulation;
  /** Frees the model, and closes what still runs on it. */
  close(): void;
}

/** Makes what will close the model; where that fails, the model is closed here. */
export function owning<T>(model: PhysicsModel, make: (model: PhysicsModel) => T): T {
  try {
    return make(model);
  } catch (error) {
    model.close();
    throw error;
  }
}

/** One contact between two shapes. */
export interface Contact {
  /** index of the first geom */
  readonly geom1: number;
  /** index of the second geom */
  readonly geom2: number;
  /** negative: penetration, metres */
  readonly distance: number;
  /** world axes, metres */
  readonly position: readonly [number, number, number];
  /** on geom2, world axes, N */
  readonly force: readonly [number, number, number];
}

/**
 * One running copy of a model. Quantities that follow from positions (`xpos` and all below it) belong to the last
 * evaluation: `step` leaves them where its last internal one was, `kinematics` and `forward` bring them up to date.
 */
export interface PhysicsSimulation {
  /** the model's constants */
  readonly info: ModelInfo;
  /** seconds since the reset */
  readonly time: number;
  /** positions `[nq]` */
  readonly qpos: Float64Array;
  /** velocities `[nv]` */
  readonly qvel: Float64Array;
  /** controls, which the next step applies `[nu]` */
  readonly ctrl: Float64Array;
  /** forces of the actuators on each degree of freedom `[nv]` */
  readonly qfrcActuator: Float64Array;
  /** forces of contacts and limits on each degree of freedom `[nv]` */
  readonly qfrcConstraint: Float64Array;
  /** of body frames, world axes `[nbody * 3]` */
  readonly xpos: Float64Array;
  /** w, x, y, z of body frames `[nbody * 4]` */
  readonly xquat: Float64Array;
  /** of centres of mass `[nbody * 3]` */
  readonly xipos: Float64Array;
  /** of body frames, row-major `[nbody * 9]` */
  readonly xmat: Float64Array;
  /** `[ngeom * 3]` */
  readonly geomXpos: Float64Array;
  /** row-major `[ngeom * 9]` */
  readonly geomXmat: Float64Array;
  /** `[nsite * 3]` */
  readonly siteXpos: Float64Array;
  /** values of all sensors, one behind the other */
  readonly sensordata: Float64Array;
  /** inertias about their tree's centre of mass `[nbody * 10]` */
  readonly cinert: Float64Array;
  /** velocities about their tree's centre of mass: rotation, translation `[nbody * 6]` */
  readonly cvel: Float64Array;
  /** contact forces on bodies: rotation, translation; valid after `contactForces()` `[nbody * 6]` */
  readonly cfrcExt: Float64Array;
  /** `n` physics steps under the present controls. */
  step(n: number): void;
  /** Everything that follows from the present positions and velocities. */
  forward(): void;
  /** Positions of bodies and geoms only. */
  kinematics(): void;
  /** Fills `cfrcExt`. */
  contactForces(): void;
  /** The default state, with no trace of what was before. */
  reset(): void;
  /**
   * Multiplies constants of the model, always from those it was compiled with; all simulations of the model change. The
   * default state follows. Left out by a library that cannot: its environments cannot be randomised.
   */
  vary?(factors: PhysicsFactors): void;
  /** Makes the arrays valid where the library's memory has moved. */
  refresh(): void;
  /** Whether a position or velocity is NaN, infinite or beyond 1e10; the library must not hide it by a reset. */
  diverged(): boolean;
  /** Number of numbers in a state. */
  stateSize(kind: 'full' | 'integration'): number;
  /** `full`: time, positions, velocities; `integration`: all that the next step depends on, to the bit. */
  getState(kind: 'full' | 'integration', out?: Float64Array): Float64Array;
  /** Sets what `getState` returned. @throws ShapeError for a state of another size */
  setState(state: Float64Array): void;
  /** Number of contacts now. */
  readonly contactCount: number;
  /** Copies one contact out. */
  contact(index: number): Contact;
  /** All contacts now. */
  contacts(): Contact[];
  /** Frees its memory; safe to call twice. */
  close(): void;
}
