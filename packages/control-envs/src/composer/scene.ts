/**
 * Environments composed in code: components, what passes between pairs of them (edges), and agents. A scene is plain
 * data: it can be written to JSON and read back, and it compiles to one MJCF model.
 *
 * After Braxlines' Composer (Gu et al., arXiv 2110.04686); scenes start with noise, and a pair may be named in either
 * order.
 */
import type { PhysicsOptions } from './component.ts';

/** A component in a scene. */
export interface SceneComponent {
  /** a registered kind: `ant`, `half-cheetah`, `hopper`, `humanoid`, `octopus`, `walker2d`, `sphere`, `box`, `capsule`, `mjcf` */
  use: string;
  /** of that kind: `{ legs: 5 }`, `{ radius: 0.5 }`, `{ mjcf: '<mujoco>…' }` */
  params?: { readonly [name: string]: unknown };
  /** where it stands, added to its own place; default [0, 0, 0] */
  pos?: readonly [number, number, number];
  /** turn about the vertical, radians; default 0 */
  yaw?: number;
  /** true: its free or planar joints are left out, it is part of the world */
  frozen?: boolean;
  /** false: it touches nothing */
  collide?: boolean;
  /** what is observed of it; default: `state` for what has motors, else `root` */
  observe?: readonly Observer[];
  /** its terms by name, in full `component.name`: `rootGoal`, `control`, `constant` or `speed`; default none */
  rewards?: { readonly [name: string]: RewardTerm };
  /** false: an unhealthy pose does not end the episode; default true where the kind has one */
  terminates?: boolean;
}

/** A pair of components; the ground is called `ground`. */
export interface SceneEdge {
  /** names of two different components in either order, or of one and `ground`; a pair has one edge at most */
  between: readonly [string, string];
  /** what touches: everything that the two let collide, their roots only, or nothing; default 'full' */
  collide?: 'full' | 'root' | 'none';
  /** `rootVector`: position of the first root minus the second's */
  observe?: readonly 'rootVector'[];
  /** terms by name, in full `a~b.name` with a and b sorted: `rootDistance` or `constant`; default none */
  rewards?: { readonly [name: string]: RewardTerm };
}

/**
 * - `state`: positions (without the root's x and y) and velocities; `root`: root position, orientation and velocity
 * - `contacts`: contact forces on each body, clipped to ±1
 */
export type Observer = 'state' | 'root' | 'contacts';

/** Terms of a reward; each gives `(raw + offset) · scale`. */
export type RewardTerm = RewardBase &
  (
    | { type: 'rootGoal'; of: 'pos' | 'vel'; target: readonly number[]; dims?: readonly number[] }
    | { type: 'rootDistance'; minDistance?: number; maxDistance?: number }
    | { type: 'control' }
    | { type: 'constant'; value?: number }
    | { type: 'speed'; dims?: readonly number[] }
  );

interface RewardBase {
  offset?: number;
  scale?: number;
  /** added once when this term ends the episode */
  doneBonus?: number;
}

/** Who acts with which components and is paid by which rewards (`component.name`, or all of a component or edge). */
export interface SceneAgent {
  /** components whose motors it has; no two agents share one */
  acts: readonly string[];
  /** full names of rewards, or names of components and edges for all of theirs; agents may share them */
  rewards: readonly string[];
}

/** The description of an environment, as plain data. */
export interface Scene {
  /** 1 to 30 by name, of letters, digits, - and _; not `ground` */
  components: { readonly [name: string]: SceneComponent };
  /** pairs that observe, touch or are paid in their own way; default none: all components touch each other */
  edges?: readonly SceneEdge[];
  /** default: one agent that has all motors and all rewards */
  agents?: { readonly [name: string]: SceneAgent };
  /** needed where components were designed for different settings */
  globalOptions?: PhysicsOptions;
  /** physics steps for each step; default 5 */
  frameSkip?: number;
  /** steps after which an episode is truncated; default 1000 */
  maxSteps?: number;
  /** noise of the first state: positions ± this, velocities normal with it; default 0.1 */
  resetNoiseScale?: number;
}

/** Keeps the types of a scene while it is written. */
export const defineScene = <const S extends Scene>(scene: S): S => scene;

/** The canonical name of an unordered pair. */
export const edgeName = (a: string, b: string): string => [a, b].sort().join('~');
