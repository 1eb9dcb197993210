/**
 * A body to compose environments from: an MJCF fragment with what the fragment cannot say. Angles are radians.
 * The ten MuJoCo tasks and every composed scene are made of these.
 */
import type { AttributeValue, XmlElement } from '../mjcf/xml.ts';

/** MuJoCo's global settings, which a model has only once. */
export interface PhysicsOptions {
  /** seconds */
  timestep?: number;
  /** how velocities and positions advance; MuJoCo's default 'Euler' */
  integrator?: 'Euler' | 'RK4' | 'implicit' | 'implicitfast';
  /** algorithm of the constraint solver; MuJoCo's default 'Newton' */
  solver?: 'PGS' | 'CG' | 'Newton';
  /** most iterations of the constraint solver in a physics step; MuJoCo's default 100 */
  iterations?: number;
  /** m/s² along x, y, z; MuJoCo's default [0, 0, −9.81] */
  gravity?: readonly [number, number, number];
  /** of the medium, kg/m³ */
  density?: number;
  /** of the medium, Pa·s */
  viscosity?: number;
}

/** One body with its motors and settings, under names that are unique within it. */
export interface Component {
  /** what it is: `ant`, `hopper`, … */
  readonly kind: string;
  /** body elements, the root first */
  readonly bodies: readonly XmlElement[];
  /** defaults of its elements: children of `<default>` */
  readonly defaults: readonly XmlElement[];
  /** its motors in the order of its part of the action: children of `<actuator>`; empty for a thing without motors */
  readonly actuators: readonly XmlElement[];
  /** children of `<tendon>`; default none */
  readonly tendons?: readonly XmlElement[];
  /** children of `<sensor>`; default none */
  readonly sensors?: readonly XmlElement[];
  /** meshes, textures and materials that it uses: children of `<asset>`; default none */
  readonly assets?: readonly XmlElement[];
  /** children of `<equality>`; default none */
  readonly equalities?: readonly XmlElement[];
  /** children of `<contact>`: pairs and exclusions of its own; default none */
  readonly contacts?: readonly XmlElement[];
  /** files that the assets name, by their path there; default none */
  readonly files?: { readonly [path: string]: Uint8Array };
  /** name of the root body */
  readonly root: string;
  /** whether its own parts touch each other (parent and child never do) */
  readonly selfCollides: boolean;
  /** kg, to which its own model scales all masses; in a scene its geoms have `composedDensity` instead */
  readonly totalMass?: number;
  /** kg/m³ of its geoms in a scene, unless its defaults or a geom give another */
  readonly composedDensity?: number;
  /** the settings it was designed for */
  readonly options: PhysicsOptions;
  /** of the ground it was designed for */
  readonly floor: { readonly [name: string]: AttributeValue } | undefined;
  /** elements beside the ground in its own task: rails, walls */
  readonly scenery?: readonly XmlElement[];
  /** why the pose is one from which it cannot recover, by the height of the root and its up direction */
  readonly healthy?: { readonly z: readonly [low: number, high: number]; readonly up?: number };
}

/** Degrees to radians, in MuJoCo's own order of operations. */
export const deg = (...degrees: readonly number[]): number[] => degrees.map((d) => d * (Math.PI / 180));
