/**
 * A body to compose environments from: an MJCF fragment with what the fragment cannot say. Angles are radians.
 * The ten MuJoCo tasks and every composed scene are made of these.
 */
import type { AttributeValue, XmlElement } from '../mjcf/xml.ts';

/** MuJoCo's global settings, which a model has only once. */
export interface PhysicsOptions {
  /** seconds */
  timestep?: number;
  integrator?: 'Euler' | 'RK4' | 'implicit' | 'implicitfast';
  solver?: 'PGS' | 'CG' | 'Newton';
  iterations?: number;
  gravity?: readonly [number, number, number];
  /** of the medium, kg/m³ */
  density?: number;
  /** of the medium, Pa·s */
  viscosity?: number;
}

export interface Component {
  /** what it is: `ant`, `hopper`, … */
  readonly kind: string;
  /** body elements, the root first */
  readonly bodies: readonly XmlElement[];
  /** defaults of its elements: children of `<default>` */
  readonly defaults: readonly XmlElement[];
  readonly actuators: readonly XmlElement[];
  readonly tendons?: readonly XmlElement[];
  readonly sensors?: readonly XmlElement[];
  readonly assets?: readonly XmlElement[];
  /** name of the root body */
  readonly root: string;
  /** whether its own parts touch each other (parent and child never do) */
  readonly selfCollides: boolean;
  /** kg, to which its own model scales all masses; composed, its geoms have `composedDensity` instead (kg/m³) */
  readonly totalMass?: number;
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
